/** Seconds to wait before each attempt, first attempt first: `[0, 60, 300]` is at once, a minute later, five minutes after that. */
export type RetrySchedule = readonly number[];

/** At once, then 1 min, 5 min, 15 min, 1 h (the Sistema CRM guide, "Retentativas"; product.md, decision 5). */
export const DEFAULT_RETRY_SCHEDULE: RetrySchedule = [0, 60, 300, 900, 3600];

export const MAX_ATTEMPTS = 50;
export const MAX_RETRY_DELAY_S = 7 * 24 * 3600;

/**
 * FlowKick's pair as a schedule: `retryAttempts` retries after the first attempt, the first after `retryDelay`
 * seconds, each wait twice the one before ("exponential backoff"): 3 and 60 give 0, 60, 120, 240.
 */
export function exponentialSchedule(retryAttempts: number, retryDelayS: number): RetrySchedule {
  const waits = Array.from({ length: retryAttempts }, (_, i) => Math.min(retryDelayS * 2 ** i, MAX_RETRY_DELAY_S));
  return [0, ...waits];
}

/**
 * When the next attempt is due after `attemptsMade`, or null when the schedule is used up.
 * A wait is lengthened by up to a tenth (`random` in 0..1), so that deliveries that failed together do not come back together.
 */
export function nextAttemptAt(schedule: RetrySchedule, attemptsMade: number, now: Date, random: number): Date | null {
  const waitS = schedule[attemptsMade];
  if (waitS === undefined) return null;
  return new Date(now.getTime() + waitS * 1000 * (1 + random / 10));
}
