import { describe, expect, it } from 'vitest';
import { DeliveryLanes, type LaneItem } from './delivery-lanes.js';

interface Row extends LaneItem {
  n: number;
}

/** Lanes whose requests end when the test says so. */
function lanes(limits: { inFlight: number; held: number }) {
  const started: Row[] = [];
  const ends: (() => void)[] = [];
  const answers: (() => void)[] = [];
  const run = (row: Row, answered: () => void) => {
    started.push(row);
    answers.push(answered);
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  const end = async () => {
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { lanes: new DeliveryLanes<Row>(limits, run), started, end, answer: () => answers.shift()?.() };
}
let n = 0;
const row = (tenantId: string, subscriptionId = tenantId, laneLimit = 100): Row => ({
  tenantId,
  subscriptionId,
  laneLimit,
  n: n++,
});

describe('turns', () => {
  it('go round the tenants, whatever one of them has waiting', async () => {
    const { lanes: rounds, started, end } = lanes({ inFlight: 1, held: 1000 });
    for (let i = 0; i < 50; i++) rounds.offer(row('busy', `busy-${i % 5}`));
    rounds.offer(row('quiet'));
    for (let i = 0; i < 3; i++) await end();
    expect(started.slice(0, 4).some((one) => one.tenantId === 'quiet')).toBe(true);
  });

  it('go round a tenant’s subscriptions, each in its own order', async () => {
    const { lanes: rounds, started, end } = lanes({ inFlight: 1, held: 100 });
    for (let i = 0; i < 3; i++) for (const lane of ['a', 'b']) rounds.offer(row('t', lane));
    for (let i = 0; i < 6; i++) await end();
    expect(started.map((one) => one.subscriptionId)).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    const ofA = started.filter((one) => one.subscriptionId === 'a').map((one) => one.n);
    expect(ofA).toEqual([...ofA].sort((x, y) => x - y));
  });
});

describe('limits', () => {
  it('hold for a lane and for all', () => {
    const { lanes: limited, started } = lanes({ inFlight: 5, held: 100 });
    for (let i = 0; i < 10; i++) limited.offer(row('t', 'narrow', 2));
    for (let i = 0; i < 10; i++) limited.offer(row('t', `wide-${i}`));
    expect(started.filter((one) => one.subscriptionId === 'narrow')).toHaveLength(2);
    expect(started).toHaveLength(5);
  });

  it('let one alone have two thirds of the requests in flight, and two that want all as many as each other', () => {
    const { lanes: shared, started, answer } = lanes({ inFlight: 10, held: 100 });
    const startedOf = (lane: string) => started.filter((one) => one.subscriptionId === lane).length;
    for (let i = 0; i < 20; i++) shared.offer(row('t', 'hanging'));
    for (let i = 0; i < 10; i++) shared.offer(row('t', 'late'));
    expect([startedOf('hanging'), startedOf('late')]).toEqual([7, 2]);
    for (let i = 0; i < 7; i++) answer();
    const answeredOfHanging = 7;
    const openNow = [startedOf('hanging') - answeredOfHanging, startedOf('late')];
    expect(openNow.sort()).toEqual([4, 5]);
  });

  it('free the place in flight with the answer, the place in memory when all is recorded', async () => {
    const { lanes: recorded, started, answer, end } = lanes({ inFlight: 1, held: 10 });
    recorded.offer(row('t'));
    recorded.offer(row('t'));
    answer();
    expect(started).toHaveLength(2);
    expect(recorded.room).toBe(8);
    await end();
    expect(recorded.room).toBe(9);
  });

  it('leave room for those who have nothing yet: one alone gets a third, the second a third of the rest', () => {
    const { lanes: shared } = lanes({ inFlight: 0, held: 90 });
    const take = (tenant: string) => {
      let taken = 0;
      while (shared.offer(row(tenant))) taken++;
      return taken;
    };
    expect([take('first'), take('second'), take('third')]).toEqual([30, 20, 14]);
    expect(shared.room).toBe(26);
  });

  it('give everything back when drained, and count to nothing at the end', async () => {
    const { lanes: drained, started, end } = lanes({ inFlight: 2, held: 100 });
    for (let i = 0; i < 10; i++) drained.offer(row('t', `lane-${i}`));
    expect(drained.drain()).toHaveLength(8);
    await end();
    await end();
    expect(drained.room).toBe(100);
    expect(drained.offer(row('t'))).toBe(true);
    expect(started).toHaveLength(3);
  });
});
