import { describe, expect, it } from 'vitest';
import { MAX_RETRY_AFTER_MS, retryAfterMs } from './retry-after.js';
import { DEFAULT_RETRY_SCHEDULE, exponentialSchedule, MAX_RETRY_DELAY_S, nextAttemptAt } from './retry-schedule.js';

const now = new Date('2026-03-01T12:00:00Z');

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Sun, 01 Mar 2026 12:02:00 GMT', 120_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['99999999', MAX_RETRY_AFTER_MS],
    ['Fri, 01 Jan 2100 00:00:00 GMT', MAX_RETRY_AFTER_MS],
  ])('%s is understood', (value, ms) => {
    expect(retryAfterMs(value, now)).toBe(ms);
  });

  it.each([undefined, '', '-1', 'soon', '1.5', '12 apples', '2026-03-01'])('%s is not', (value) => {
    expect(retryAfterMs(value, now)).toBeNull();
  });
});

describe('a schedule', () => {
  it('says when the next attempt is due, up to a tenth later', () => {
    const waits = [1, 2, 3, 4, 5].map((made) => nextAttemptAt(DEFAULT_RETRY_SCHEDULE, made, now, 0));
    expect(waits.map((at) => at && (at.getTime() - now.getTime()) / 1000)).toEqual([60, 300, 900, 3600, null]);
    expect(nextAttemptAt([0, 60], 1, now, 1)?.getTime()).toBe(now.getTime() + 66_000);
  });

  it('doubles from a number of retries and a delay', () => {
    expect(exponentialSchedule(3, 60)).toEqual([0, 60, 120, 240]);
    expect(exponentialSchedule(0, 60)).toEqual([0]);
    expect(Math.max(...exponentialSchedule(40, 3600))).toBe(MAX_RETRY_DELAY_S);
  });
});
