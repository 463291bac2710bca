import { createHash } from 'node:crypto';
import type { ProviderRequest } from './request.js';

/** The body as JSON, or undefined. The bytes are parsed after they were verified, for ids and names only. */
export function jsonBody(request: ProviderRequest): unknown {
  try {
    return JSON.parse(request.rawBody.toString('utf8'));
  } catch {
    return undefined;
  }
}

export function formBody(request: ProviderRequest): URLSearchParams {
  return new URLSearchParams(request.rawBody.toString('utf8'));
}

/** A member of nested JSON, or undefined; inherited members do not count. */
export function memberAt(value: unknown, ...path: string[]): unknown {
  let current = value;
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

/** A text or number in nested JSON as text; undefined when it is absent, empty or something else. */
export function textAt(value: unknown, ...path: string[]): string | undefined {
  const found = memberAt(value, ...path);
  if (typeof found === 'number') return String(found);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

export function listAt(value: unknown, ...path: string[]): unknown[] {
  const found = memberAt(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The value an RFC 6901 pointer such as `/data/id` leads to. */
export function pointerAt(value: unknown, pointer: string): string | undefined {
  const path = pointer.split('/').slice(1);
  return textAt(value, ...path.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')));
}

/** One key of several parts, or undefined when one is missing: half a key would make different deliveries look the same. */
export function joinedKey(...parts: (string | undefined)[]): string | undefined {
  return parts.every((part) => part !== undefined) ? parts.join(':') : undefined;
}

/** The key of a batch: the only key, or one hash over all of them in any order; undefined when one has no key. */
export function batchKey(keys: (string | undefined)[]): string | undefined {
  if (keys.length === 0 || !keys.every((key) => key !== undefined)) return undefined;
  return keys.length === 1 ? keys[0] : `batch:${sha256(JSON.stringify([...keys].sort()))}`;
}

/** The name all entries share, or `batch`. */
export function batchName(names: (string | undefined)[]): string | undefined {
  const distinct = [...new Set(names.filter((name) => name !== undefined))];
  return distinct.length > 1 ? 'batch' : distinct[0];
}

const MAX_KEY_CHARACTERS = 200;
const MAX_NAME_CHARACTERS = 128;
// Control characters and lone surrogates: what a text column or a log line cannot hold.
const UNFIT = /[\p{Cc}\p{Cs}]/u;

/** A delivery id fit for a unique index: one that is long or holds control characters is replaced by its hash. */
export function fitKey(key: string | undefined): string | undefined {
  if (key === undefined || key === '') return undefined;
  return key.length <= MAX_KEY_CHARACTERS && !UNFIT.test(key) ? key : `sha256:${sha256(key)}`;
}

export function fitName(name: string | undefined): string | undefined {
  const trimmed = name?.trim();
  return trimmed && trimmed.length <= MAX_NAME_CHARACTERS && !UNFIT.test(trimmed) ? trimmed : undefined;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
