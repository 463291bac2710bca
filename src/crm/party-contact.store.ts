import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/prisma.service.js';
import type { Contact } from '../generated/prisma/client.js';

@Injectable()
export class PartyContactStore {
  /** Two that look for the contact of the same party wait for each other, until the transaction ends: numbers are not unique. */
  async hold(tx: Transaction, tenantId: string, party: string): Promise<void> {
    await tx.$queryRaw`select pg_advisory_xact_lock(hashtextextended(${`party:${tenantId}:${party}`}, 0))::text`;
  }

  /** The contact that has the number for calls or for WhatsApp, the oldest of several. @param phone E.164 */
  async findByNumber(tx: Transaction, tenantId: string, phone: string): Promise<Contact | null> {
    const oldestWith = (where: { phone: string } | { whatsappPhone: string }) =>
      tx.contact.findFirst({ where: { tenantId, ...where }, orderBy: { id: 'asc' } });
    return (await oldestWith({ phone })) ?? oldestWith({ whatsappPhone: phone });
  }
}
