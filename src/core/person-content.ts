import { contentHash } from './content-hash.js';
import { e164 } from './phone-number.js';

/** What systems say of a person to each other. Null: nothing is said. */
export interface PersonContent {
  firstName: string | null;
  lastName: string | null;
  /** In lower case. */
  email: string | null;
  /** In E.164 where it can be brought into that form, else as it was written. */
  phone: string | null;
}

export function personContent(said: Partial<Record<keyof PersonContent, string | null | undefined>>): PersonContent {
  return {
    firstName: cleaned(said.firstName),
    lastName: cleaned(said.lastName),
    email: cleaned(said.email)?.toLowerCase() ?? null,
    phone: e164(said.phone) ?? cleaned(said.phone),
  };
}

/** "Ana Maria Souza" as first name and all the rest. */
export function splitName(name: string | null | undefined): { firstName: string | null; lastName: string | null } {
  const [firstName = null, ...rest] = (cleaned(name) ?? '').split(/\s+/).filter(Boolean);
  return { firstName, lastName: rest.length > 0 ? rest.join(' ') : null };
}

export function fullName({ firstName, lastName }: Pick<PersonContent, 'firstName' | 'lastName'>): string | null {
  return [firstName, lastName].filter(Boolean).join(' ') || null;
}

/** The same however a system splits names: some keep one, some two. */
export function personHash(person: PersonContent): string {
  const { email, phone } = person;
  return contentHash({ name: fullName(person), email, phone });
}

/** What is said, without what is not: nothing is emptied because another system does not know it. */
export function statedOf(person: PersonContent): Partial<PersonContent> {
  return Object.fromEntries(Object.entries(person).filter(([, value]) => value !== null));
}

function cleaned(text: string | null | undefined): string | null {
  return text?.replace(/\s+/g, ' ').trim() || null;
}
