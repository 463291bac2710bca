import { parsePhoneNumberWithError } from 'libphonenumber-js/min';
import { type PhoneParts, personPattern } from '../core/person-traces.js';
import type { Contact } from './contact.store.js';

const KEYS = [
  'email',
  'phone',
  'whatsappPhone',
  'externalId',
  'manychatId',
  'instagramId',
  'instagramUsername',
] as const satisfies readonly (keyof Contact)[];

/** What a person is known by: here, in payloads, and at the providers of connections. Personal data itself. */
export type PersonKeys = { contactId: string } & Pick<Contact, (typeof KEYS)[number]>;

export function keysOf(contact: Contact): PersonKeys {
  const keys = Object.fromEntries(KEYS.map((key) => [key, contact[key]])) as Pick<Contact, (typeof KEYS)[number]>;
  return { contactId: contact.id, ...keys };
}

/** A pattern that finds the person in the text of payloads (core/person-traces). */
export function patternOf(keys: PersonKeys): string {
  const there = (value: string | null): value is string => value !== null;
  return personPattern({
    contactId: keys.contactId,
    email: keys.email,
    phones: [keys.phone, keys.whatsappPhone].filter(there).map(phoneParts),
    ids: [keys.externalId, keys.manychatId, keys.instagramId].filter(there),
    handles: [keys.instagramUsername].filter(there),
  });
}

/** How a channel may name the person as the other party of a conversation. */
export function partiesOf({ email, phone, whatsappPhone }: PersonKeys): string[] {
  const numbers = [phone, whatsappPhone].flatMap((number) => (number === null ? [] : [number, digitsOf(number)]));
  return [...new Set([...(email === null ? [] : [email]), ...numbers])];
}

function phoneParts(phone: string): PhoneParts {
  try {
    const { countryCallingCode, nationalNumber } = parsePhoneNumberWithError(phone);
    return { callingCode: countryCallingCode, national: nationalNumber };
  } catch {
    return { callingCode: '', national: digitsOf(phone) };
  }
}

const digitsOf = (phone: string) => phone.replace(/\D/g, '');
