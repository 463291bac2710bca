import { jsonDepth } from './json-depth.js';

/** How a body that came in is kept: as the JSON text it is, as other text, or, when it is no text, as base64. */
export type PayloadKind = 'json' | 'text' | 'base64';

export interface Payload {
  kind: PayloadKind;
  text: string;
}

/** Deeper JSON is refused: nothing that describes an event is nested like that. */
export const MAX_JSON_DEPTH = 64;

export function isTooDeep(body: Uint8Array): boolean {
  return jsonDepth(body, MAX_JSON_DEPTH) > MAX_JSON_DEPTH;
}

/**
 * The bytes as they are stored; `bytesOf` gives them back unchanged. The content type is not asked: it may lie.
 * A byte order mark, bytes that are no UTF-8 and NUL (which a text column cannot hold) make a body base64.
 */
export function payloadOf(body: Buffer): Payload {
  const text = body.toString('utf8');
  const isText = !body.includes(0) && text.charCodeAt(0) !== 0xfeff && Buffer.from(text, 'utf8').equals(body);
  if (!isText) return { kind: 'base64', text: body.toString('base64') };
  return { kind: isJson(text) ? 'json' : 'text', text };
}

export function bytesOf({ kind, text }: Payload): Buffer {
  return Buffer.from(text, kind === 'base64' ? 'base64' : 'utf8');
}

/** The JSON value inside, or undefined when the body is no JSON. */
export function jsonOf({ kind, text }: Payload): unknown {
  return kind === 'json' ? JSON.parse(text) : undefined;
}

/** The body as an object to look into: JSON as it is, a form as its fields (the last of each name); null otherwise. */
export function fieldsOf(payload: Payload, contentType: string | null): unknown {
  if (payload.kind === 'json') return JSON.parse(payload.text);
  if (payload.kind !== 'text' || !contentType?.toLowerCase().startsWith('application/x-www-form-urlencoded'))
    return null;
  return Object.fromEntries(new URLSearchParams(payload.text));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
