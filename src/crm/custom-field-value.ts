import { isISO8601, isURL } from 'class-validator';

export const CUSTOM_FIELD_TYPES = ['text', 'number', 'boolean', 'date', 'datetime', 'url', 'choice'] as const;
export type CustomFieldType = (typeof CUSTOM_FIELD_TYPES)[number];

const MAX_TEXT = 4000;

/** A value as its field stores it, or what is wrong with it, to follow "must be". */
export type Typed = { kind: 'value'; value: string | number | boolean } | { kind: 'wrong'; mustBe: string };

const value = (stored: string | number | boolean): Typed => ({ kind: 'value', value: stored });
const wrong = (mustBe: string): Typed => ({ kind: 'wrong', mustBe });

/**
 * What a field of that type stores of a value. Numbers and booleans may come as text, as query strings and the FlowKick guide
 * write them (`"visit_count": "5"`).
 */
export function typedValue(type: string, choices: readonly string[], given: unknown): Typed {
  const text = typeof given === 'string' ? given.trim() : null;
  switch (type as CustomFieldType) {
    case 'text': {
      if (typeof given !== 'string' && typeof given !== 'number' && typeof given !== 'boolean') return wrong('a text');
      const stored = String(given);
      return stored.length <= MAX_TEXT && !stored.includes('\u0000')
        ? value(stored)
        : wrong(`a text of at most ${MAX_TEXT} characters, without NUL`);
    }
    case 'number': {
      const number = typeof given === 'number' ? given : text ? Number(text) : Number.NaN;
      return Number.isFinite(number) ? value(number) : wrong('a number such as 5 or 12.5');
    }
    case 'boolean':
      if (typeof given === 'boolean') return value(given);
      return text === 'true' || text === 'false' ? value(text === 'true') : wrong('true or false');
    case 'date':
      return text && /^\d{4}-\d{2}-\d{2}$/.test(text) && isISO8601(text, { strict: true })
        ? value(text)
        : wrong('a date such as 2025-01-31');
    case 'datetime':
      return text && isISO8601(text, { strict: true, strictSeparator: true }) && /[zZ]$|[+-]\d{2}:?\d{2}$/.test(text)
        ? value(new Date(text).toISOString())
        : wrong('a time with a zone such as 2025-01-31T10:00:00Z');
    case 'url':
      return text && text.length <= 2048 && isURL(text, { protocols: ['http', 'https'], require_protocol: true })
        ? value(text)
        : wrong('an http or https address');
    case 'choice':
      return text !== null && choices.includes(text)
        ? value(text)
        : wrong(`one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`);
  }
}
