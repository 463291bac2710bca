import { Transform } from 'class-transformer';
import { IsBoolean, IsDate, IsObject, IsString, Matches, MaxLength, MinLength, ValidateIf } from 'class-validator';
import { MONEY, moneyOf } from './money.js';

// What several resources say of a field, and how it is checked.

type Check = (target: object, property: string | symbol) => void;

function all(...checks: Check[]): PropertyDecorator {
  return (target, property) => {
    for (const check of checks) check(target, property);
  };
}

/** May be left out and is not null then: a field that always has a value. */
export const MayBeAbsent = () => ValidateIf((_, value) => value !== undefined);

/** Text that a text column holds. */
export const IsText = (maxLength: number, minLength = 0) =>
  all(
    IsString(),
    MinLength(minLength),
    MaxLength(maxLength),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is the one character Postgres does not store
    Matches(/^[^\u0000]*$/, { message: '$property must not hold a NUL character' }),
  );

/** A provider's id, `calcom:<uid>`, or the host's own. */
export const IsExternalId = () => IsText(200, 1);

/** JSON of the host's, of at most 16,000 characters; what cannot be stored is refused as if it were no object. */
export const IsMetadata = () =>
  all(
    Transform(({ value }) => (isStorable(value) ? value : null)),
    IsObject({ message: '$property is a JSON object of at most 16,000 characters, without NUL characters' }),
  );

function isStorable(value: unknown): boolean {
  const text = JSON.stringify(value) ?? '';
  return text.length <= 16_000 && !text.includes('\\u0000');
}

/**
 * RFC 3339 with a zone; arrives as a Date.
 * @param options.orDate a date alone is midnight UTC: for filters
 */
export const IsTime = ({ orDate = false } = {}) =>
  all(
    Transform(({ value }) => timeOf(value, orDate)),
    IsDate({ message: `$property is a time with its zone like 2026-02-10T14:00:00Z${orDate ? ', or a date' : ''}` }),
  );

const DATE = /^[1-9]\d{3}-\d\d-\d\d$/;
const TIME = /^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** What is no time stays as it is, and is refused. */
function timeOf(value: unknown, orDate: boolean): unknown {
  if (typeof value !== 'string' || !(TIME.test(value) || (orDate && DATE.test(value)))) return value;
  const time = new Date(value);
  // The 30th of February would become the 2nd of March.
  const [year, month, day] = value.slice(0, 10).split('-').map(Number) as [number, number, number];
  const lastDay = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return Number.isNaN(time.getTime()) || day > lastDay ? value : time;
}

/** An amount of money, as decimal text or a JSON number; arrives as `moneyOf` writes it. */
export const IsMoney = () =>
  all(
    Transform(({ value }) => moneyOf(value) ?? value),
    Matches(MONEY, { message: '$property is an amount like "129.90", with at most four decimals' }),
  );

/** ISO 4217. */
export const IsCurrency = () =>
  all(
    Transform(({ value }) => (typeof value === 'string' ? value.toUpperCase() : value)),
    Matches(/^[A-Z]{3}$/, { message: '$property is an ISO 4217 code like BRL' }),
  );

/** Arrives in lower case. */
export const IsAddress = () =>
  all(
    Transform(({ value }) => (typeof value === 'string' ? value.trim().toLowerCase() : value)),
    MaxLength(320),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is the one character Postgres does not store
    Matches(/^[^\s@\u0000]+@[^\s@\u0000]+$/, { message: '$property is an e-mail address like ana@example.com' }),
  );

/** `true` or `false` of a query string. */
export const IsFlag = () =>
  all(
    Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value)),
    IsBoolean({ message: '$property is true or false' }),
  );
