import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/prisma.service.js';
import type { Contact } from './contact.store.js';
import type { AppliedTag, FullContact } from './domain-change.js';

/** Contacts with what is shown and told of them. */
@Injectable()
export class ContactViewStore {
  async find(tx: Transaction, tenantId: string, id: string): Promise<FullContact | null> {
    const contact = await tx.contact.findUnique({ where: { id, tenantId } });
    return contact && ((await this.withTags(tx, tenantId, [contact]))[0] ?? null);
  }

  /** The same contacts, in the same order, with their tags: oldest first. */
  async withTags(tx: Transaction, tenantId: string, contacts: Contact[]): Promise<FullContact[]> {
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
