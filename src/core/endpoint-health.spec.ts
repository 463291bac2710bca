import { describe, expect, it } from 'vitest';
import type { EndpointVerdict } from './attempt-outcome.js';
import {
  afterAttempt,
  CIRCUIT_OPENS_AT,
  DISABLE_AFTER_ATTEMPTS,
  DISABLE_AFTER_MS,
  type EndpointHealth,
  HEALTHY,
  probeUntil,
} from './endpoint-health.js';

const start = new Date('2026-03-01T12:00:00Z');
const later = (ms: number) => new Date(start.getTime() + ms);
const failing: EndpointVerdict = { kind: 'failing', reason: 'It answered 500.' };

function afterFailures(count: number, now = start): EndpointHealth {
  let health = HEALTHY;
  for (let n = 0; n < count; n++) health = afterAttempt(health, failing, now, false).health;
  return health;
}

describe('failures in a row', () => {
  it('pause the endpoint from the tenth on, and a success forgets them', () => {
    expect(afterFailures(CIRCUIT_OPENS_AT - 1)).toMatchObject({ consecutiveFailures: 9, pausedUntil: null });
    const open = afterFailures(CIRCUIT_OPENS_AT);
    expect(open).toMatchObject({
      pausedUntil: later(30_000),
      pausedReason: expect.stringContaining('It answered 500.'),
    });
    expect(afterAttempt(open, { kind: 'well' }, start, true)).toEqual({ health: HEALTHY, change: null });
  });

  it('that were under way when it opened do not lengthen the pause; a probe’s does, doubling up to ten minutes', () => {
    const open = afterFailures(CIRCUIT_OPENS_AT);
    expect(afterAttempt(open, failing, later(1000), false).health).toEqual(open);
    let health = open;
    const pauses: number[] = [];
    for (let n = 0; n < 7; n++) {
      const now = new Date((health.pausedUntil as Date).getTime() + 1);
      health = afterAttempt({ ...health, pausedUntil: probeUntil(now, 10_000) }, failing, now, true).health;
      pauses.push(((health.pausedUntil as Date).getTime() - now.getTime()) / 1000);
    }
    expect(pauses).toEqual([60, 120, 240, 480, 600, 600, 600]);
  });

  it('disable only after days and many attempts, never on a burst', () => {
    expect(afterAttempt(afterFailures(500), failing, later(DISABLE_AFTER_MS - 1), true).change).toBeNull();
    const few = { ...afterFailures(CIRCUIT_OPENS_AT), pausedUntil: null };
    expect(afterAttempt(few, failing, later(DISABLE_AFTER_MS), true).change).toBeNull();
    const many = { ...HEALTHY, failingSince: start, consecutiveFailures: DISABLE_AFTER_ATTEMPTS - 1 };
    expect(afterAttempt(many, failing, later(DISABLE_AFTER_MS), true).change).toMatchObject({
      kind: 'disabled',
      reason: expect.stringContaining('20 failed'),
    });
  });
});

describe('a hold', () => {
  const hold: EndpointVerdict = { kind: 'hold', reason: 'inactive' };

  it('is told once, probed more and more seldom, and told when it is over', () => {
    const first = afterAttempt(HEALTHY, hold, start, false);
    expect(first).toMatchObject({ change: { kind: 'held' }, health: { heldSince: start, pausedUntil: later(60_000) } });
    const hour = afterAttempt(first.health, hold, later(3_600_000), true);
    expect(hour).toMatchObject({ change: null, health: { heldSince: start, pausedUntil: later(3_600_000 + 600_000) } });
    expect(afterAttempt(hour.health, { kind: 'well' }, later(3_700_000), true)).toEqual({
      health: HEALTHY,
      change: { kind: 'resumed' },
    });
  });
});

it('a rest that was asked for is never shortened', () => {
  const long = afterAttempt(HEALTHY, { kind: 'pause', until: later(60_000), reason: 'a' }, start, false).health;
  expect(afterAttempt(long, { kind: 'pause', until: later(5_000), reason: 'b' }, start, false).health).toEqual(long);
});
