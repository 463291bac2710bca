import { type Refusal, refuse } from './verdict.js';

/** `either`: 13 digits are milliseconds, 10 digits seconds. */
export type TimestampUnit = 's' | 'ms' | 'either';

/**
 * Refuses a timestamp further than the tolerance from now, in either direction; exactly the tolerance still passes
 * (provider sheet, rule 4). Where the unit is seconds, so is the clock: half a second more is not "too old".
 */
export function checkTimestamp(text: string, unit: TimestampUnit, toleranceSeconds: number, now: Date): Refusal | null {
  if (!/^\d{1,15}$/.test(text)) return refuse('timestamp_malformed', 'the timestamp is not a whole number');
  const value = Number(text);
  const inMs = unit === 'ms' || (unit === 'either' && value >= 100_000_000_000);
  const ageMs = inMs ? now.getTime() - value : (Math.floor(now.getTime() / 1000) - value) * 1000;
  if (Math.abs(ageMs) <= toleranceSeconds * 1000) return null;
  const seconds = Math.ceil(Math.abs(ageMs) / 1000);
  return ageMs > 0
    ? refuse('timestamp_too_old', `timestamp ${seconds} s old (tolerance ${toleranceSeconds} s)`)
    : refuse('timestamp_in_future', `timestamp ${seconds} s in the future (tolerance ${toleranceSeconds} s)`);
}
