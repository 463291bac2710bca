import type { FieldError } from './errors.js';

export const MAX_CUSTOM_HEADERS = 20;
const MAX_VALUE_BYTES = 2048;

/** Shown in place of a value that only its owner and its receiver know. Not ASCII, so that it is never taken for a value. */
export const MASK = '•••';

// RFC 9110 §5.6.2.
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

const RESERVED = new Set([
  'host',
  'user-agent',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'expect',
]);
const RESERVED_FAMILIES = ['content-', 'proxy-', 'webhook-', 'x-webhook-', 'x-posthaste-'];

/** Headers that are ours to send: they say what the request is and who signed it, or belong to the connection. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return RESERVED.has(lower) || RESERVED_FAMILIES.some((family) => lower.startsWith(family));
}

/** What is wrong with headers that a tenant wants to be sent along, with a pointer below the object, or null. */
export function customHeaderProblem(headers: Record<string, unknown>): FieldError | null {
  const names = Object.keys(headers);
  if (names.length > MAX_CUSTOM_HEADERS) {
    return {
      pointer: '',
      detail: `There are ${names.length} custom headers; at most ${MAX_CUSTOM_HEADERS} can be sent.`,
    };
  }
  const seen = new Set<string>();
  for (const name of names) {
    const detail = nameProblem(name, seen) ?? valueProblem(name, headers[name]);
    if (detail) return { pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, detail };
    seen.add(name.toLowerCase());
  }
  return null;
}

function nameProblem(name: string, seen: ReadonlySet<string>): string | null {
  if (!NAME.test(name)) {
    return `"${name}" is not a header name: 1 to 128 letters, digits and characters of !#$%&'*+.^_\`|~- are.`;
  }
  if (isReservedHeader(name)) return `"${name}" is sent by the platform itself and cannot be a custom header.`;
  return seen.has(name.toLowerCase())
    ? `"${name}" is there twice: header names do not tell upper from lower case.`
    : null;
}

// The value itself is not told: it may be a credential, and refusals are logged.
function valueProblem(name: string, value: unknown): string | null {
  if (typeof value !== 'string') return `The value of "${name}" must be a string.`;
  if (value === MASK)
    return `"${MASK}" stands for a value that is not shown, and "${name}" has none yet: give its value.`;
  if (value.length > MAX_VALUE_BYTES) return `The value of "${name}" is longer than ${MAX_VALUE_BYTES} bytes.`;
  return VALUE.test(value)
    ? null
    : `The value of "${name}" must be 1 to ${MAX_VALUE_BYTES} visible ASCII characters, with spaces only between them.`;
}
