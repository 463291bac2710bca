import type { EndpointVerdict } from './attempt-outcome.js';

/** How a subscription's endpoint fares (table `subscription_health`). */
export interface EndpointHealth {
  /** Failed attempts since the last success, and when the first of them was. */
  consecutiveFailures: number;
  failingSince: Date | null;
  /** Until then nothing is sent; from then on one delivery probes. Null: all is well. */
  pausedUntil: Date | null;
  pausedReason: string | null;
  /** The receiver is switched off for now. */
  heldSince: Date | null;
}

export const HEALTHY: EndpointHealth = {
  consecutiveFailures: 0,
  failingSince: null,
  pausedUntil: null,
  pausedReason: null,
  heldSince: null,
};

/** What became of the endpoint that the tenant should be told. */
export type HealthChange =
  | { kind: 'held'; reason: string }
  | { kind: 'resumed' }
  | { kind: 'disabled'; reason: string };

/** The circuit opens after so many failures in a row. */
export const CIRCUIT_OPENS_AT = 10;
const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 10 * 60_000;
const FIRST_HOLD_MS = 60_000;
const LONGEST_HOLD_MS = 10 * 60_000;
/** Switched off only after so long without any success, and so many attempts: never on a burst (api.md). */
export const DISABLE_AFTER_MS = 5 * 24 * 3_600_000;
export const DISABLE_AFTER_ATTEMPTS = 20;

/**
 * The health after one more attempt, and what changed by it.
 * @param probe the attempt was made to see whether the endpoint is back
 */
export function afterAttempt(
  health: EndpointHealth,
  verdict: EndpointVerdict,
  now: Date,
  probe: boolean,
): { health: EndpointHealth; change: HealthChange | null } {
  const unchanged = { health, change: null };
  switch (verdict.kind) {
    case 'unchanged':
      return unchanged;
    case 'well':
      return { health: HEALTHY, change: health.heldSince ? { kind: 'resumed' } : null };
    case 'disable':
      return { health, change: { kind: 'disabled', reason: verdict.reason } };
    case 'pause': {
      const later = health.pausedUntil === null || health.pausedUntil < verdict.until;
      return later
        ? { health: { ...health, pausedUntil: verdict.until, pausedReason: verdict.reason }, change: null }
        : unchanged;
    }
    case 'hold':
      return afterHold(health, verdict.reason, now);
    case 'failing':
      return afterFailure(health, verdict.reason, now, probe);
  }
}

/** Probed slowly: after a minute first, then the longer it lasts the more seldom. */
function afterHold(health: EndpointHealth, reason: string, now: Date) {
  const heldSince = health.heldSince ?? now;
  const waitMs = Math.min(LONGEST_HOLD_MS, Math.max(FIRST_HOLD_MS, (now.getTime() - heldSince.getTime()) / 4));
  const held = { ...health, heldSince, pausedUntil: new Date(now.getTime() + waitMs), pausedReason: reason };
  const change: HealthChange | null = health.heldSince ? null : { kind: 'held', reason };
  return { health: held, change };
}

function afterFailure(health: EndpointHealth, reason: string, now: Date, probe: boolean) {
  // Requests that were on their way when the circuit opened tell nothing new.
  if (!probe && health.pausedUntil && health.pausedUntil > now && health.consecutiveFailures >= CIRCUIT_OPENS_AT) {
    return { health, change: null };
  }
  const consecutiveFailures = health.consecutiveFailures + 1;
  const failingSince = health.failingSince ?? now;
  const failed = { ...health, consecutiveFailures, failingSince };
  if (consecutiveFailures >= CIRCUIT_OPENS_AT) {
    const pauseMs = Math.min(
      LONGEST_PAUSE_MS,
      FIRST_PAUSE_MS * 2 ** Math.min(20, consecutiveFailures - CIRCUIT_OPENS_AT),
    );
    failed.pausedUntil = new Date(now.getTime() + pauseMs);
    failed.pausedReason = `${consecutiveFailures} attempts in a row failed; the last: ${reason}`;
  }
  const overdue =
    now.getTime() - failingSince.getTime() >= DISABLE_AFTER_MS && consecutiveFailures >= DISABLE_AFTER_ATTEMPTS;
  const change: HealthChange | null = overdue
    ? {
        kind: 'disabled',
        reason: `No attempt succeeded since ${failingSince.toISOString()} (${consecutiveFailures} failed). The last: ${reason}`,
      }
    : null;
  return { health: failed, change };
}

/** How long others are put off while one delivery probes: until it has surely ended. */
export function probeUntil(now: Date, timeoutMs: number): Date {
  return new Date(now.getTime() + Math.max(FIRST_PAUSE_MS, 2 * timeoutMs));
}
