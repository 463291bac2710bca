import { Injectable } from '@nestjs/common';
import type { Contact } from './contact.store.js';
import { ContactChanger } from './contact-changer.js';
import type { ContactPatch } from './contact-patch.js';
import type { Write } from './crm-writer.js';
import { PartyContactStore } from './party-contact.store.js';

/** What a provider tells of whoever writes or is written to. */
export interface Party {
  /** E.164. */
  phone: string | null;
  /** In lower case. */
  email: string | null;
  name: string | null;
  /** `whatsapp`, `sms`, `email` … */
  channel: string;
}

/** Who the other side of a message or an appointment is, among the contacts. */
@Injectable()
export class PartyContacts {
  constructor(
    private readonly store: PartyContactStore,
    private readonly changer: ContactChanger,
  ) {}

  /**
   * The contact with the party's number or address, with what is told of it and was not known filled in; made when there is none.
   * Of many at once one makes it. Null for a party that has neither.
   */
  async ensure(write: Write, tenantId: string, party: Party): Promise<Contact | null> {
    const { phone, email } = party;
    const key = phone ?? email;
    if (key === null) return null;
    await this.store.hold(write.tx, tenantId, key);
    const known = phone && (await this.store.findByNumber(write.tx, tenantId, phone));
    const patchFor = (contact: Contact) => gapsOf(contact, patchOf(party));
    const { contact } = known
      ? await this.changer.update(write, tenantId, known.id, patchFor(known))
      : await this.changer.upsert(
          write,
          tenantId,
          { email },
          { ...patchOf(party), source: write.origin.source },
          patchFor,
        );
    return contact;
  }
}

function patchOf({ phone, email, name, channel }: Party): ContactPatch {
  const [firstName, ...rest] = name?.split(/\s+/) ?? [];
  return {
    ...(firstName && { firstName, lastName: rest.join(' ') || null }),
    ...(phone && { phone }),
    ...(phone && channel === 'whatsapp' && { whatsappPhone: phone }),
    ...(email && { email }),
  };
}

/** An address is left out: another contact may have it. */
function gapsOf(contact: Contact, { email: _email, firstName, lastName, ...patch }: ContactPatch): ContactPatch {
  const nameless = contact.firstName === null && contact.lastName === null;
  const gaps = Object.entries(patch).filter(([field]) => contact[field as keyof Contact] === null);
  return { ...Object.fromEntries(gaps), ...(nameless && { firstName, lastName }) };
}
