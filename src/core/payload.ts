import { jsonDepth } from './json-depth.js';

/** How a body that came in is kept: as the JSON text it is, as other text, or, when it is no text, as base64. */
export type PayloadKind = 'json' | 'text' | 'base64';

export interface Payload {
  kind: PayloadKind;
  text: string;
}

/** A payload that has just come in; `value` is the JSON in it, undefined when it holds none. */
export interface ReceivedPayload extends Payload {
  value: unknown;
}

const BYTE_ORDER_MARK = 0xfeff;
/** Throws for bytes that are no UTF-8. */
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Deeper JSON is refused: nothing that describes an event is nested like that. */
export const MAX_JSON_DEPTH = 64;

export function isTooDeep(body: Uint8Array): boolean {
  return jsonDepth(body, MAX_JSON_DEPTH) > MAX_JSON_DEPTH;
}

/**
 * The bytes as they are stored; `bytesOf` gives them back unchanged. The content type is not asked: it may lie.
 * A byte order mark, bytes that are no UTF-8 and NUL (which a text column cannot hold) make a body base64.
 */
export function payloadOf(body: Buffer): ReceivedPayload {
  const text = textOf(body);
  if (text === null) return { kind: 'base64', text: body.toString('base64'), value: undefined };
  try {
    return { kind: 'json', text, value: JSON.parse(text) };
  } catch {
    return { kind: 'text', text, value: undefined };
  }
}

function textOf(body: Buffer): string | null {
  if (body.includes(0)) return null;
  try {
    const text = UTF8.decode(body);
    return text.charCodeAt(0) === BYTE_ORDER_MARK ? null : text;
  } catch {
    return null;
  }
}

export function bytesOf({ kind, text }: Payload): Buffer {
  return Buffer.from(text, kind === 'base64' ? 'base64' : 'utf8');
}

/** The body as an object to look into: JSON as it is, a form as its fields (the last of each name); null otherwise. */
export function fieldsOf(payload: Payload, contentType: string | null): unknown {
  if (payload.kind === 'json') return JSON.parse(payload.text);
  if (payload.kind !== 'text' || !contentType?.toLowerCase().startsWith('application/x-www-form-urlencoded'))
    return null;
  return Object.fromEntries(new URLSearchParams(payload.text));
}
