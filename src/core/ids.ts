import { randomFillSync } from 'node:crypto';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

// Randomness is drawn for many ids at once: a call of the generator for each cost more than all the rest of making one.
const RANDOM_BYTES_PER_ID = 8;
const random = Buffer.alloc(RANDOM_BYTES_PER_ID * 256);
let randomUsed = random.length;
let lastMs = 0;
let counter = 0;

/**
 * A UUIDv7 (RFC 9562). Ids of one process sort in the order they were made: a keyset page by id is a page by time.
 * Within a millisecond a counter of 12 bits keeps the order (§6.2, method 1), before 62 random ones; when it runs over, or the
 * clock is set back, the time of the last id is counted on.
 */
export function newId(): string {
  if (randomUsed === random.length) {
    randomFillSync(random);
    randomUsed = 0;
  }
  const high = random.readUInt32BE(randomUsed);
  const low = random.readUInt32BE(randomUsed + 4);
  randomUsed += RANDOM_BYTES_PER_ID;
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    counter = 0;
  } else if (++counter > 0xfff) {
    lastMs++;
    counter = 0;
  }
  const time = lastMs.toString(16).padStart(12, '0');
  const variant = (0x8000 | (high >>> 18)).toString(16);
  const node = ((high & 0xffff) * 0x1_0000_0000 + low).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${variant}-${node}`;
}

/** The smallest UUIDv7 of that millisecond: turns "since this time" into "ids from here on". */
export function lowestIdAt(time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}
