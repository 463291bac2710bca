import { Injectable } from '@nestjs/common';
import type { Transaction } from '../database/prisma.service.js';
import type { ContactConsent } from '../generated/prisma/client.js';

export type { ContactConsent };

@Injectable()
export class ConsentStore {
  /** The last word on a purpose by the time at which it was said; of two at the same time, what was recorded last. */
  findLatest(tx: Transaction, tenantId: string, contactId: string, purpose: string): Promise<ContactConsent | null> {
    return tx.contactConsent.findFirst({
      where: { tenantId, contactId, purpose },
      orderBy: [{ at: 'desc' }, { id: 'desc' }],
    });
  }

  /** The line just recorded. */
  findSaid(
    tx: Transaction,
    tenantId: string,
    contactId: string,
    { purpose, at }: { purpose: string; at: Date },
  ): Promise<ContactConsent | null> {
    return tx.contactConsent.findFirst({ where: { tenantId, contactId, purpose, at }, orderBy: { id: 'desc' } });
  }
}
