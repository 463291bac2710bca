import { isEmail } from 'class-validator';
import { AppError, type FieldError } from '../core/errors.js';
import { type ContactPatch, PLAIN_FIELDS, type PlainField } from './contact-patch.js';
import { normalPhone } from './phone.js';

/** A contact as somebody says it: fields as text, an empty text for none. */
export interface ContactInput extends Partial<Record<PlainField, string | null>> {
  optIns?: ContactPatch['optIns'];
  customFields?: Record<string, unknown>;
  /** The names of all its tags. */
  tags?: string[];
  exportConsent?: { given: boolean; at?: string; source?: string };
  attributes?: Record<string, unknown>;
}

const MAX_TAG_LENGTH = 100;
const NUL = '\u0000';

/** The value to store, or what is wrong: "must be …". */
type Checked = { value: string | Date } | { mustBe: string };
type Check = (text: string, country: string | null) => Checked;

const within =
  (max: number): Check =>
  (text) =>
    text.length <= max ? { value: text } : { mustBe: `at most ${max} characters long` };

const phone: Check = (text, country) => {
  const value = normalPhone(text, country);
  if (value !== null) return { value };
  return {
    mustBe:
      country === null
        ? 'a telephone number with its country, such as +5511999999999; to take numbers without one, set `defaultCountry` of the tenant'
        : `a telephone number of ${country}, or one with its country such as +5511999999999`,
  };
};

const time: Check = (text) => {
  const value = new Date(text);
  const complete = /^\d{4}-\d{2}-\d{2}(T.*([zZ]|[+-]\d{2}:?\d{2}))?$/.test(text);
  return complete && !Number.isNaN(value.getTime())
    ? { value }
    : { mustBe: 'a time with its zone such as 2025-01-31T10:00:00Z' };
};

const CHECKS: Record<PlainField, Check> = {
  email: (text) =>
    text.length <= 320 && isEmail(text, { allow_utf8_local_part: true })
      ? { value: text.toLowerCase() }
      : { mustBe: 'an e-mail address such as ana@example.com' },
  firstName: within(200),
  lastName: within(200),
  phone,
  whatsappPhone: phone,
  gender: within(50),
  locale: (text) => (isLocale(text) ? { value: text } : { mustBe: 'a language and country such as en_US or pt-BR' }),
  timezone: (text) =>
    isTimezone(text)
      ? { value: text }
      : { mustBe: 'a time zone such as America/Sao_Paulo, or a distance from UTC such as UTC-03' },
  profilePic: (text) =>
    text.length <= 2048 && isWebAddress(text)
      ? { value: text }
      : { mustBe: 'an http or https address of at most 2,048 characters' },
  externalId: within(200),
  manychatId: within(200),
  instagramUsername: within(200),
  instagramId: within(200),
  source: within(200),
  subscribedAt: time,
  lastSyncedAt: time,
};

/**
 * Checks and normalises: addresses in lower case, telephone numbers in E.164, empty texts as null. Custom fields are checked where
 * they are written, against their definitions.
 * @param defaultCountry of telephone numbers in national form: the tenant's setting
 * @throws AppError `invalid_request` that lists everything that is wrong, with pointers such as `/phone`
 */
export function checkContact(input: ContactInput, defaultCountry: string | null): ContactPatch {
  const errors: FieldError[] = [];
  const refuse = (pointer: string, detail: string) => void errors.push({ pointer, detail });
  const plain = PLAIN_FIELDS.flatMap((field): [PlainField, string | Date | null][] => {
    const given = input[field];
    if (given === undefined) return [];
    const text = given?.trim() ?? '';
    if (text === '') return [[field, null]];
    const checked: Checked = text.includes(NUL)
      ? { mustBe: 'without NUL characters' }
      : CHECKS[field](text, defaultCountry);
    if ('value' in checked) return [[field, checked.value]];
    refuse(`/${field}`, `${JSON.stringify(text.slice(0, 80))} must be ${checked.mustBe}.`);
    return [];
  });
  for (const field of ['attributes', 'customFields'] as const) {
    if (JSON.stringify(input[field] ?? null).includes('\\u0000'))
      refuse(`/${field}`, 'NUL characters cannot be stored.');
  }
  const tags = input.tags?.map((name, i) => checkTagName(name, `/tags/${i}`, refuse));
  const { exportConsent: consent } = input;
  const at = consent?.at === undefined ? undefined : time(consent.at, null);
  if (at && 'mustBe' in at) refuse('/exportConsent/at', `${JSON.stringify(consent?.at)} must be ${at.mustBe}.`);
  if (errors.length > 0) {
    throw new AppError('invalid_request', { detail: errors.map((e) => `${e.pointer}: ${e.detail}`).join(' '), errors });
  }
  return {
    ...(Object.fromEntries(plain) as Partial<ContactPatch>),
    ...(input.optIns && { optIns: input.optIns }),
    ...(input.customFields && { customFields: input.customFields }),
    ...(input.attributes && { attributes: input.attributes }),
    ...(tags && { tags: { set: tags } }),
    ...(consent && {
      exportConsent: {
        given: consent.given,
        ...(consent.source && { source: consent.source }),
        ...(at && 'value' in at && { at: at.value as Date }),
      },
    }),
  };
}

/** The name without blanks around it. */
export function checkTagName(name: string, pointer: string, refuse: (pointer: string, detail: string) => void): string {
  const text = name.trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (text === '' || text.length > MAX_TAG_LENGTH || /[\u0000-\u001f]/.test(text))
    refuse(pointer, `A tag's name has 1 to ${MAX_TAG_LENGTH} characters and no line breaks.`);
  return text;
}

function isLocale(text: string): boolean {
  if (!/^[a-z]{2,3}([_-][a-z0-9]{2,8})*$/i.test(text)) return false;
  try {
    return Boolean(new Intl.Locale(text.replaceAll('_', '-')));
  } catch {
    return false;
  }
}

/** IANA names, and the distances that Manychat gives. */
function isTimezone(text: string): boolean {
  if (/^(UTC|GMT)[+-](0?\d|1[0-4])(:?[0-5]\d)?$/.test(text)) return true;
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: text }));
  } catch {
    return false;
  }
}

function isWebAddress(text: string): boolean {
  return /^https?:\/\/\S+$/i.test(text) && URL.canParse(text);
}
