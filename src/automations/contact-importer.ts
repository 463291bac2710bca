import { Injectable } from '@nestjs/common';
import { type PersonContent, personHash, statedOf } from '../core/person-content.js';
import type { Contact } from '../crm/contact.store.js';
import { ContactChanger } from '../crm/contact-changer.js';
import type { ContactKeys, ContactPatch } from '../crm/contact-patch.js';
import type { Write } from '../crm/crm-writer.js';
import { ExternalIdentityStore, type ExternalRef } from './external-identity.store.js';

/** What else is known of somebody; it is kept only where nothing was known before. */
export type ContactExtras = Pick<ContactPatch, 'source' | 'locale' | 'timezone'>;

export type Imported =
  /** An older state than the one that is known. */
  | { kind: 'stale' }
  /** Nothing new: mostly our own write, told by the provider. */
  | { kind: 'known'; contactId: string }
  | { kind: 'created' | 'updated' | 'unchanged'; contact: Contact };

/** Makes contacts here of what providers say of people: by the identity map, else by e-mail address, else by telephone number. */
@Injectable()
export class ContactImporter {
  constructor(
    private readonly contacts: ContactChanger,
    private readonly identities: ExternalIdentityStore,
  ) {}

  /**
   * A record of a provider, as it was at `seenAt` (null: the provider does not say). States are taken in the order of that time,
   * whatever order they come in, and each but once.
   */
  async take(
    write: Write,
    tenantId: string,
    ref: ExternalRef,
    person: PersonContent,
    seenAt: Date | null,
    extras: ContactExtras = {},
  ): Promise<Imported> {
    const { tx } = write;
    await this.identities.hold(tx, tenantId, [ref]);
    const identity = await this.identities.find(tenantId, ref, tx);
    if (identity?.seenAt && seenAt && seenAt < identity.seenAt) return { kind: 'stale' };
    const state = { contentHash: personHash(person), seenAt: seenAt ?? identity?.seenAt ?? null };
    if (identity && identity.contentHash === state.contentHash) {
      await this.identities.record(tenantId, ref, identity.ownId, state, tx);
      return { kind: 'known', contactId: identity.ownId };
    }
    const known = identity && (await tx.contact.findUnique({ where: { id: identity.ownId, tenantId } }));
    const { contact, outcome } = known
      ? await this.contacts.update(write, tenantId, known.id, { ...statedOf(person), ...missing(known, extras) })
      : await this.match(write, tenantId, person, extras);
    await this.identities.record(tenantId, ref, contact.id, state, tx);
    return { kind: outcome, contact };
  }

  /** Somebody who has no record of his own there: an attendee, a sender. */
  async match(write: Write, tenantId: string, person: PersonContent, extras: ContactExtras = {}) {
    const keys = await this.keysOf(write, tenantId, person);
    const said = statedOf(person);
    return this.contacts.upsert(write, tenantId, keys, { ...said, ...extras }, (current) => ({
      ...said,
      ...missing(current, extras),
    }));
  }

  /** Two people may share a telephone number: it does not join those with different addresses. */
  private async keysOf({ tx }: Write, tenantId: string, { email, phone }: PersonContent): Promise<ContactKeys> {
    if (email === null) return { phone };
    if (phone === null || (await this.contacts.findMatch(tx, tenantId, { email }))) return { email };
    const sharing = await this.contacts.findMatch(tx, tenantId, { phone });
    return sharing?.email ? { email } : { email, phone };
  }
}

function missing(current: Contact, extras: ContactExtras): ContactExtras {
  return Object.fromEntries(
    Object.entries(extras).filter(([name, value]) => value && current[name as keyof ContactExtras] === null),
  );
}
