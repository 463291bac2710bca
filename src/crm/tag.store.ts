import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { Tag } from '../generated/prisma/client.js';
import type { AppliedTag } from './domain-change.js';

export type { Tag };

@Injectable()
export class TagStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Those of these names. */
  named(tenantId: string, names: string[], tx: Transaction = this.prisma): Promise<Tag[]> {
    return names.length === 0 ? Promise.resolve([]) : tx.tag.findMany({ where: { tenantId, name: { in: names } } });
  }

  /** The tags of these names; made where there are none. Two that make the same name wait for each other. */
  async ensure(tx: Transaction, tenantId: string, names: string[], now: Date): Promise<Tag[]> {
    if (names.length === 0) return [];
    // In one order everywhere, or two that make the same names could lock each other out.
    const sorted = [...new Set(names)].sort();
    const known = await this.named(tenantId, sorted, tx);
    if (known.length === sorted.length) return known;
    await tx.tag.createMany({
      data: sorted.map((name) => ({ id: newId(), tenantId, name, createdAt: now })),
      skipDuplicates: true,
    });
    return this.named(tenantId, sorted, tx);
  }

  /** A contact's tags, oldest first. */
  async of(tx: Transaction, tenantId: string, contactId: string): Promise<AppliedTag[]> {
    return tx.$queryRaw<AppliedTag[]>`
      select t.id, t.name, ct.applied_at as "appliedAt"
      from contact_tags ct join tags t on t.tenant_id = ct.tenant_id and t.id = ct.tag_id
      where ct.tenant_id = ${tenantId}::uuid and ct.contact_id = ${contactId}::uuid
      order by ct.applied_at, t.name`;
  }

  async apply(tx: Transaction, tenantId: string, contactId: string, tags: AppliedTag[]): Promise<void> {
    if (tags.length === 0) return;
    const data = tags.map(({ id: tagId, appliedAt }) => ({ tenantId, contactId, tagId, appliedAt }));
    await tx.contactTag.createMany({ data, skipDuplicates: true });
  }

  async take(tx: Transaction, tenantId: string, contactId: string, tags: AppliedTag[]): Promise<void> {
    if (tags.length === 0) return;
    await tx.contactTag.deleteMany({ where: { tenantId, contactId, tagId: { in: tags.map((tag) => tag.id) } } });
  }

  /** Null where there is one of that name. */
  async create(tx: Transaction, tenantId: string, name: string, now: Date): Promise<Tag | null> {
    const data = [{ id: newId(), tenantId, name, createdAt: now }];
    return (await tx.tag.createManyAndReturn({ data, skipDuplicates: true }))[0] ?? null;
  }

  find(tenantId: string, id: string): Promise<Tag | null> {
    return this.prisma.tag.findUnique({ where: { id, tenantId } });
  }

  /** Newest first. */
  list(tenantId: string, belowId: string | undefined, take: number): Promise<Tag[]> {
    return this.prisma.tag.findMany({ where: { tenantId, id: { lt: belowId } }, orderBy: { id: 'desc' }, take });
  }

  async rename(tx: Transaction, tenantId: string, id: string, name: string): Promise<void> {
    await tx.tag.update({ where: { id, tenantId }, data: { name } });
  }

  /** The tag alone; contacts may still be marked with it. */
  async delete(tx: Transaction, tenantId: string, id: string): Promise<void> {
    await tx.tag.deleteMany({ where: { tenantId, id } });
  }
}
