import { Injectable } from '@nestjs/common';
import { notFound } from '../core/errors.js';
import { ConsentStore, type ContactConsent } from './consent.store.js';
import { type Contact, type ContactRow, ContactStore } from './contact.store.js';
import { OPT_IN, type Platform } from './contact-patch.js';
import type { Write } from './crm-writer.js';
import type { Changes } from './domain-change.js';

export const PURPOSES = ['export', 'messenger', 'instagram', 'whatsapp', 'telegram'] as const;
export type Purpose = (typeof PURPOSES)[number];

export interface SaidConsent {
  purpose: Purpose;
  given: boolean;
  source: string;
  /** When the person said it; it may be made known later. */
  at: Date;
}

/**
 * Consent given or withdrawn: a line of the history, and what the contact's row says, which is the latest word by the time at which it was
 * said. A change of it is told like any other; a word that repeats the latest one changes nothing.
 */
@Injectable()
export class ConsentRecorder {
  constructor(
    private readonly contacts: ContactStore,
    private readonly consents: ConsentStore,
  ) {}

  /** @throws AppError not_found */
  async record(write: Write, tenantId: string, contactId: string, said: SaidConsent): Promise<ContactConsent> {
    const { tx, now } = write;
    const contact = await this.contacts.lock(tx, tenantId, contactId);
    if (!contact) throw notFound('contact', contactId);
    const latest = await this.consents.findLatest(tx, tenantId, contactId, said.purpose);
    const repeated = latest?.given === said.given && latest.source === said.source;
    if (repeated && (latest.at.getTime() === said.at.getTime() || said.at.getTime() === now.getTime())) return latest;
    const actorId = write.origin.actorId ?? null;
    await this.contacts.recordConsents(tx, tenantId, contactId, [{ ...said, actorId }]);
    const isLatest = !latest || latest.at <= said.at;
    const changes = isLatest ? changesOf(contact, said) : {};
    if (Object.keys(changes).length > 0) {
      const row = Object.fromEntries(Object.entries(changes).map(([name, change]) => [name, change.new])) as ContactRow;
      const updated = await this.contacts.update(tx, tenantId, contactId, row, now);
      const nothing = { customFields: [], tagsAdded: [], tagsRemoved: [] };
      write.tell({ kind: 'contact-updated', contact: updated, changes, ...nothing });
    }
    return (await this.consents.findSaid(tx, tenantId, contactId, said)) as ContactConsent;
  }
}

function changesOf(contact: Contact, { purpose, given, at }: SaidConsent): Changes {
  const column = purpose === 'export' ? 'exportConsentGiven' : OPT_IN[purpose as Platform];
  // Consent that was never given and is withdrawn is news all the same: it says since when.
  const unsaid = purpose === 'export' && contact.exportConsentAt === null;
  if (contact[column] === given && !unsaid) return {};
  return {
    ...(contact[column] !== given && { [column]: { old: contact[column], new: given } }),
    ...(purpose === 'export' && { exportConsentAt: { old: contact.exportConsentAt, new: at } }),
  };
}
