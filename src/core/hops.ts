/** Header of every delivery that something inbound led to, and key of its event's metadata: how often it has been through here. */
export const HOPS = 'x-posthaste-hops';

/** An event that has come back through workflows more often than this is stopped: it would never end. */
export const MAX_HOPS = 5;

const MOST_COUNTED = 1000;

/**
 * How often a request has been through here and a workflow: from the header, or from where a workflow that passes the whole
 * body on leaves it (`metadata` of an envelope, or the body itself). The highest counts: a workflow may copy one and make up another.
 */
export function hopsOf(header: string | string[] | undefined, body: unknown): number {
  const claims = [...[header].flat(), memberOf(memberOf(body, 'metadata'), HOPS), memberOf(body, HOPS)];
  return Math.max(0, ...claims.map(count));
}

/** The hops an outgoing event carries, or null when it did not begin with something inbound. @param metadata JSON text */
export function hopsOfMetadata(metadata: string | null): number | null {
  if (metadata === null || !metadata.includes(HOPS)) return null;
  const hops = count(memberOf(JSON.parse(metadata), HOPS));
  return hops > 0 ? hops : null;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

function count(value: unknown): number {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && /^\d{1,9}$/.test(text.trim()) ? Math.min(Number(text), MOST_COUNTED) : 0;
}
