import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { Contact, Prisma } from '../generated/prisma/client.js';
import type { ContactKeys } from './contact-patch.js';

export type { Contact };

/** Columns of a contact, as they are written. */
export type ContactRow = Prisma.ContactUncheckedUpdateInput;

export interface NewConsent {
  /** `export`, or a platform. */
  purpose: string;
  given: boolean;
  source: string;
  actorId: string | null;
  at: Date;
}

const UNIQUE = ['externalId', 'manychatId', 'email'] as const;

@Injectable()
export class ContactStore {
  constructor(private readonly prisma: PrismaService) {}

  /** A new row, or null where one of its tenant has the same e-mail address, external id or Manychat id. */
  async insert(tx: Transaction, tenantId: string, row: ContactRow, now: Date): Promise<Contact | null> {
    const data = { ...row, id: newId(), tenantId, createdAt: now, updatedAt: now } as Prisma.ContactCreateManyInput;
    // `on conflict do nothing`: an error would end the caller's transaction.
    const [made] = await tx.contact.createManyAndReturn({ data: [data], skipDuplicates: true });
    return made ?? null;
  }

  find(tenantId: string, id: string): Promise<Contact | null> {
    return this.prisma.contact.findUnique({ where: { id, tenantId } });
  }

  /** The contact, which nobody else writes until the transaction ends; null when there is none. */
  async lock(tx: Transaction, tenantId: string, id: string): Promise<Contact | null> {
    await tx.$queryRaw`select 1 from contacts where tenant_id = ${tenantId}::uuid and id = ${id}::uuid for update`;
    return tx.contact.findUnique({ where: { id, tenantId } });
  }

  update(tx: Transaction, tenantId: string, id: string, row: ContactRow, now: Date): Promise<Contact> {
    return tx.contact.update({ where: { id, tenantId }, data: { ...row, updatedAt: now } });
  }

  /** The row and what is nothing without it; what is something without it, such as an invoice, stays and names nobody. */
  async delete(tx: Transaction, tenantId: string, id: string): Promise<void> {
    const of = { where: { tenantId, contactId: id } };
    await tx.contactTag.deleteMany(of);
    await tx.interaction.deleteMany(of);
    await tx.contactConsent.deleteMany(of);
    await tx.externalIdentity.deleteMany({ where: { tenantId, ownId: id } });
    await tx.booking.deleteMany(of);
    const nobody = { ...of, data: { contactId: null } };
    await tx.qrCode.updateMany(nobody);
    await tx.conversation.updateMany(nobody);
    await tx.deal.updateMany(nobody);
    await tx.invoice.updateMany(nobody);
    await tx.contact.delete({ where: { id, tenantId } });
  }

  /** The contact that one of the keys names, the oldest where a telephone number names several. */
  async findMatch(tx: Transaction, tenantId: string, keys: ContactKeys): Promise<Contact | null> {
    for (const key of [...UNIQUE, 'phone' as const]) {
      const value = keys[key];
      if (value === undefined || value === null) continue;
      const found = await tx.contact.findFirst({ where: { tenantId, [key]: value }, orderBy: { id: 'asc' } });
      if (found) return found;
    }
    return null;
  }

  /** What of a row another contact has already, and which. */
  async findRival(
    tx: Transaction,
    tenantId: string,
    row: ContactKeys,
    exceptId?: string,
  ): Promise<{ id: string; field: (typeof UNIQUE)[number]; value: string } | null> {
    for (const field of UNIQUE) {
      const value = row[field];
      if (value === undefined || value === null) continue;
      const where = { tenantId, [field]: value, ...(exceptId && { id: { not: exceptId } }) };
      const rival = await tx.contact.findFirst({ where, select: { id: true } });
      if (rival) return { id: rival.id, field, value };
    }
    return null;
  }

  async recordConsents(tx: Transaction, tenantId: string, contactId: string, consents: NewConsent[]): Promise<void> {
    if (consents.length === 0) return;
    await tx.contactConsent.createMany({
      data: consents.map((consent) => ({ ...consent, id: newId(), tenantId, contactId })),
    });
  }
}
