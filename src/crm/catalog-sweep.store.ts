import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/prisma.service.js';
import { Prisma } from '../generated/prisma/client.js';
import type { Contact } from './contact.store.js';

/** What became of a tag or custom field, which now has to be done to and told of every contact that has it. */
export interface CatalogChange {
  kind: 'tag-renamed' | 'tag-deleted' | 'field-renamed' | 'field-deleted';
  id: string;
  old: string;
  /** Null: it is deleted. */
  new: string | null;
}

export interface SweepBatch {
  contacts: {
    contact: Contact;
    /** Of the custom field, as it was. */
    value: unknown;
    /** Of the tag. */
    appliedAt: Date;
  }[];
  /** Null: there are no more. */
  nextAfterId: string | null;
}

/** Rows that are looked at for a custom field, which has no index by its name. */
const LOOKED_AT = 5_000;

interface Found {
  id: string;
  value: unknown;
  appliedAt: Date;
}

@Injectable()
export class CatalogSweepStore {
  /** The next contacts that have the tag or field, changed and locked. */
  async take(
    tx: Transaction,
    tenantId: string,
    change: CatalogChange,
    afterId: string | null,
    limit: number,
    now: Date,
  ): Promise<SweepBatch> {
    const after = afterId ?? '00000000-0000-0000-0000-000000000000';
    const ofTag = change.kind === 'tag-renamed' || change.kind === 'tag-deleted';
    const { found, nextAfterId } = ofTag
      ? await this.findTagged(tx, tenantId, change.id, after, limit)
      : await this.findWithField(tx, tenantId, change.old, after, limit);
    const ids = found.map((one) => one.id);
    if (change.kind === 'tag-deleted')
      await tx.contactTag.deleteMany({ where: { tenantId, tagId: change.id, contactId: { in: ids } } });
    const set = ofTag
      ? Prisma.empty
      : change.new === null
        ? Prisma.sql`custom_fields = custom_fields - ${change.old}::text,`
        : Prisma.sql`custom_fields = custom_fields - ${change.old}::text || jsonb_build_object(${change.new}::text, custom_fields -> ${change.old}::text),`;
    await tx.$executeRaw`
      update contacts set ${set} updated_at = ${now}::timestamptz
      where tenant_id = ${tenantId}::uuid and id = any(${ids}::uuid[])`;
    const rows = await tx.contact.findMany({ where: { tenantId, id: { in: ids } } });
    const byId = new Map(rows.map((contact) => [contact.id, contact]));
    const contacts = found.flatMap(({ id, value, appliedAt }) => {
      const contact = byId.get(id);
      return contact ? [{ contact, value, appliedAt }] : [];
    });
    return { contacts, nextAfterId };
  }

  private async findTagged(tx: Transaction, tenantId: string, tagId: string, after: string, limit: number) {
    const found = await tx.$queryRaw<Found[]>`
      select ct.contact_id as id, null as value, ct.applied_at as "appliedAt"
      from contact_tags ct join contacts c on c.tenant_id = ct.tenant_id and c.id = ct.contact_id
      where ct.tenant_id = ${tenantId}::uuid and ct.tag_id = ${tagId}::uuid and ct.contact_id > ${after}::uuid
      order by ct.contact_id limit ${limit} for update of c`;
    return { found, nextAfterId: found.length < limit ? null : (found.at(-1)?.id ?? null) };
  }

  private async findWithField(tx: Transaction, tenantId: string, name: string, after: string, limit: number) {
    const looked = await tx.$queryRaw<{ last: string | null; looked: bigint }[]>`
      select max(id::text) as last, count(*) as looked from (
        select id from contacts where tenant_id = ${tenantId}::uuid and id > ${after}::uuid order by id limit ${LOOKED_AT}) c`;
    const upTo = looked[0]?.last;
    if (!upTo) return { found: [], nextAfterId: null };
    const found = await tx.$queryRaw<Found[]>`
      select id, custom_fields -> ${name}::text as value, created_at as "appliedAt" from contacts
      where tenant_id = ${tenantId}::uuid and id > ${after}::uuid and id <= ${upTo}::uuid and custom_fields ? ${name}::text
      order by id limit ${limit} for update`;
    if (found.length === limit) return { found, nextAfterId: found.at(-1)?.id ?? null };
    return { found, nextAfterId: Number(looked[0]?.looked) < LOOKED_AT ? null : upTo };
  }
}
