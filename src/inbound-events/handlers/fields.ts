import { PermanentFailure } from './inbound-handler.js';

/** A member of nested JSON, or undefined; inherited members do not count. */
export function at(value: unknown, ...path: string[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

/** A text or number as trimmed text that a text column holds, at most so long; null when absent, empty or something else. */
export function textOf(value: unknown, maxLength = 500): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = String(value).replaceAll('\u0000', '').trim();
  return text === '' ? null : text.slice(0, maxLength);
}

export function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new PermanentFailure(`${what} must be a JSON object.`);
}

/** An e-mail address in lower case; null for anything else. */
export function emailIn(value: unknown): string | null {
  const text = textOf(value, 320)?.toLowerCase() ?? '';
  return /^[^\s@]+@[^\s@]+$/.test(text) ? text : null;
}

/** An e-mail address in lower case. */
export function emailOf(value: unknown, field: string): string {
  const address = emailIn(value);
  if (address !== null) return address;
  const said = value === undefined ? 'is missing' : `is ${JSON.stringify(value)?.slice(0, 80)}`;
  throw new PermanentFailure(`The field "${field}" ${said}: it must be an e-mail address like "ana@example.com".`);
}

/** `whatsapp:+55 11 9…` and `5511…@s.whatsapp.net` as digits alone; null when there are none. */
export function digitsOf(value: unknown): string | null {
  const digits = (textOf(value) ?? '').replace(/@.*$/, '').replace(/\D/g, '');
  return digits === '' ? null : digits;
}

/** A time as ISO text: of ISO text, or of unix seconds; `fallback` for anything else. */
export function timeOf(value: unknown, fallback: Date): string {
  const seconds = typeof value === 'number' ? value : /^\d{9,11}$/.test(String(value)) ? Number(value) : null;
  const time = seconds !== null ? new Date(seconds * 1000) : typeof value === 'string' ? new Date(value) : fallback;
  return (Number.isNaN(time.getTime()) ? fallback : time).toISOString();
}
