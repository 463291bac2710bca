import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import type { Transaction } from '../database/prisma.service.js';
import type { Contact, Prisma } from '../generated/prisma/client.js';
import type { Changes } from './domain-change.js';

export type { Contact };

/** What somebody says of a contact; null: nothing. */
export interface ContactValues {
  /** In lower case. */
  email: string;
  firstName: string | null;
  lastName: string | null;
  phone: string | null;
  source: string | null;
  attributes: Record<string, unknown>;
}

const MERGED = ['firstName', 'lastName', 'phone'] as const;

@Injectable()
export class ContactStore {
  /**
   * The contact with that e-mail address: made when there is none, otherwise with what is said about it and was not so before.
   * `source` says where a contact came from first and is not changed. Two that merge the same address wait for each other.
   */
  async mergeByEmail(
    tx: Transaction,
    tenantId: string,
    values: ContactValues,
    now: Date,
  ): Promise<{ contact: Contact; created: boolean; changes: Changes }> {
    const { email, attributes } = values;
    const made = await tx.$queryRaw<{ id: string }[]>`
      insert into contacts (id, tenant_id, email, created_at, updated_at)
      values (${newId()}::uuid, ${tenantId}::uuid, ${email}, ${now}::timestamptz, ${now}::timestamptz)
      on conflict (tenant_id, email) do nothing returning id`;
    if (!made[0])
      await tx.$queryRaw`select 1 from contacts where tenant_id = ${tenantId}::uuid and email = ${email} for update`;
    const current = await tx.contact.findUniqueOrThrow({ where: { tenantId_email: { tenantId, email } } });
    const changes: Changes = {};
    for (const field of MERGED) {
      const said = values[field];
      if (said !== null && said !== current[field]) changes[field] = { old: current[field], new: said };
    }
    const kept = current.attributes as Record<string, unknown>;
    const news = Object.entries(attributes).filter(
      ([name, value]) => JSON.stringify(kept[name]) !== JSON.stringify(value),
    );
    for (const [name, value] of news) changes[name] = { old: kept[name] ?? null, new: value };
    if (!made[0] && Object.keys(changes).length === 0) return { contact: current, created: false, changes };
    const contact = await tx.contact.update({
      where: { id: current.id },
      data: {
        ...Object.fromEntries(MERGED.flatMap((field) => (changes[field] ? [[field, changes[field].new]] : []))),
        ...(current.source === null && values.source !== null && { source: values.source }),
        attributes: { ...kept, ...Object.fromEntries(news) } as Prisma.InputJsonValue,
        updatedAt: now,
      },
    });
    return { contact, created: made.length === 1, changes };
  }
}
