/** However long a receiver asks for, it is asked again after this time. */
export const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/**
 * `Retry-After` (RFC 9110 §10.2.3), seconds or an HTTP date, as milliseconds from now; 0 for a date that has passed, at most
 * a day, null when it is absent or neither.
 */
export function retryAfterMs(value: string | undefined, now: Date): number | null {
  const text = value?.trim() ?? '';
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text) * 1000, MAX_RETRY_AFTER_MS);
  // Date.parse takes much that is no HTTP date, such as "-1": one begins with the day's name.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : Math.min(Math.max(0, time - now.getTime()), MAX_RETRY_AFTER_MS);
}
