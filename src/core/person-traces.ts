/** What a person is found by in payloads that anybody may have written. */
export interface Person {
  contactId: string;
  email: string | null;
  phones: PhoneParts[];
  /** Ids that other systems gave: matched as whole words. */
  ids: string[];
  /** Names on platforms: matched as whole JSON strings only, for they may be ordinary words. */
  handles: string[];
}

/** Digits only. `callingCode` is empty where it is not known. */
export interface PhoneParts {
  callingCode: string;
  national: string;
}

/** Shorter ids and numbers would find everybody. */
const SHORTEST_ID = 6;
const SHORTEST_NUMBER = 7;
/** What people write between the digits of a telephone number. */
const GAP = '[^0-9a-z]{0,3}';

/**
 * A regular expression, for JavaScript and Postgres alike and to be matched without regard to case, that finds a person in the text
 * of a payload: plain, URL-encoded, or with JSON escapes. It looks at whole words: `ada@example.com` is not in `ada@example.com.br`.
 */
export function personPattern(person: Person): string {
  return [
    spelled(person.contactId),
    ...(person.email === null ? [] : [`(?<![a-z0-9._-])${spelled(person.email)}(?![a-z0-9_-]|\\.[a-z0-9])`]),
    ...person.phones.filter(({ national }) => national.length >= SHORTEST_NUMBER).map(phonePattern),
    ...person.ids.filter((id) => id.length >= SHORTEST_ID).map((id) => `(?<![a-z0-9_-])${spelled(id)}(?![a-z0-9_-])`),
    ...person.handles.map((handle) => `"@?${spelled(handle)}"`),
  ].join('|');
}

/** With or without its country, in any grouping: `+55 (11) 99999-0000`, `011999990000`. */
function phonePattern({ callingCode, national }: PhoneParts): string {
  const country = callingCode === '' ? '' : `(?:0{0,2}${spaced(callingCode)}${GAP})?`;
  return `(?<![0-9])${country}0?${GAP}${spaced(national)}(?![0-9])`;
}

const spaced = (digits: string) => [...digits].join(GAP);

/** Each character as itself, percent-encoded or escaped as in JSON. */
function spelled(text: string): string {
  return [...text]
    .map((character) => {
      if (/[a-z0-9]/i.test(character)) return character;
      const escapes = [...character.split('')].map(
        (unit) => `\\\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
      );
      const bytes = [...new TextEncoder().encode(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`);
      return `(?:${character.replace(/[^\p{L}\p{N}\s_]/gu, '\\$&')}|${bytes.join('')}|${escapes.join('')})`;
    })
    .join('');
}
