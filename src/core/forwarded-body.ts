import { bytesOf, type Payload, type PayloadKind } from './payload.js';

/** Key of an event's metadata: its body goes out as it came in, byte for byte. */
const FORWARDED = 'x-posthaste-forward';

interface ForwardNote {
  kind: PayloadKind;
  contentType: string | null;
  headers: Record<string, string>;
}

/** What is sent instead of a body made of the event. */
export interface ForwardedBody {
  body: Buffer;
  headers: Record<string, string>;
}

/** An inbound payload as an event's `data`, which is always JSON text: JSON stays as it is, anything else becomes a text. */
export function forwardedData({ kind, text }: Payload): string {
  return kind === 'json' ? text : JSON.stringify(text);
}

/** Metadata that says how to give the bytes back, and with which headers. */
export function forwardMetadata(
  kind: PayloadKind,
  contentType: string | null,
  headers: Record<string, string>,
): object {
  return { [FORWARDED]: { kind, contentType, headers } satisfies ForwardNote };
}

/** The bytes and headers of a forwarded request; null for every other event. */
export function forwardedBody(event: { data: string; metadata: string | null }): ForwardedBody | null {
  if (!event.metadata?.includes(FORWARDED)) return null;
  const note = (JSON.parse(event.metadata) as { [FORWARDED]?: ForwardNote })[FORWARDED];
  if (!note) return null;
  const { kind, contentType, headers } = note;
  const text = kind === 'json' ? event.data : (JSON.parse(event.data) as string);
  return {
    body: bytesOf({ kind, text }),
    headers: { ...headers, 'content-type': contentType ?? 'application/octet-stream' },
  };
}
