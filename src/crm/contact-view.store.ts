import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { Contact } from './contact.store.js';
import type { AppliedTag, FullContact } from './domain-change.js';

/** Contacts with what is shown and told of them. */
@Injectable()
export class ContactViewStore {
  constructor(private readonly prisma: PrismaService) {}

  get(tenantId: string, id: string): Promise<FullContact | null> {
    return this.find(this.prisma, tenantId, id);
  }

  async find(tx: Transaction, tenantId: string, id: string): Promise<FullContact | null> {
    const contact = await tx.contact.findUnique({ where: { id, tenantId } });
    return contact && ((await this.withTags(tenantId, [contact], tx))[0] ?? null);
  }

  /** The same contacts, in the same order, with their tags: oldest first. */
  async withTags(tenantId: string, contacts: Contact[], tx: Transaction = this.prisma): Promise<FullContact[]> {
    if (contacts.length === 0) return [];
    const ids = contacts.map((contact) => contact.id);
    const rows = await tx.$queryRaw<(AppliedTag & { contactId: string })[]>`
      select ct.contact_id as "contactId", t.id, t.name, ct.applied_at as "appliedAt"
      from contact_tags ct join tags t on t.tenant_id = ct.tenant_id and t.id = ct.tag_id
      where ct.tenant_id = ${tenantId}::uuid and ct.contact_id = any(${ids}::uuid[])
      order by ct.applied_at, t.name`;
    const tagsOf = new Map<string, AppliedTag[]>(ids.map((id) => [id, []]));
    for (const { contactId, ...tag } of rows) tagsOf.get(contactId)?.push(tag);
    return contacts.map((contact) => ({ ...contact, tags: tagsOf.get(contact.id) ?? [] }));
  }
}
