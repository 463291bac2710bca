import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BUCKET_BOUNDS_MS, bucketOf } from '../../../src/core/latency-buckets.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { startReceiver } from '../../support/receiver.js';
import { TestClock } from '../../support/test-clock.js';
import { createTenant } from '../tenants/tenancy.js';

// 12:30 of a day: the present hour has begun at 12:00.
const clock = new TestClock(new Date('2026-03-10T12:30:00Z'));
let app: TestApp;
let api: Api;
let tenantId: string;
let subscription: string;
let other: string;
let unique = 0;

beforeAll(async () => {
  app = await startTestApp({ clock, config: { RELAY_INTERVAL_MS: '1000' } });
});
afterAll(() => app.close());
beforeEach(async () => {
  const tenant = await createTenant(app, `stats-${++unique}`);
  tenantId = tenant.id;
  api = new Api(app.url, tenant.apiKey);
  const make = async () =>
    (await api.post('/api/v1/subscriptions', { url: 'http://127.0.0.1:45109/', eventTypes: ['x'] }, 201)).id as string;
  [subscription, other] = [await make(), await make()];
});

/** A row of the rollup as recording attempts writes it. */
async function counted(
  count: number,
  durationMs: number,
  { of = subscription, type = 'a.b', outcome = 'delivered', hour = '2026-03-10T12:00:00Z' } = {},
): Promise<void> {
  await app.database.query(
    `insert into delivery_stats (tenant_id, subscription_id, event_type, hour, outcome, bucket, count)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [tenantId, of, type, hour, outcome, bucketOf(durationMs), count],
  );
}

const NOTHING = { attempts: 0, succeeded: 0, failed: 0, successRate: null, p50Ms: null, p95Ms: null, p99Ms: null };
const ofSubscription = (query = '') => api.get(`/api/v1/subscriptions/${subscription}/stats${query}`);
const ofTenant = (query = '') => api.get(`/api/v1/stats${query}`);

describe("a subscription's statistics", () => {
  it('are its attempts, how well they went and how long they took, within the bounds of the buckets', async () => {
    await counted(90, 25);
    await counted(5, 200);
    await counted(3, 200, { outcome: 'retry' });
    await counted(2, 9000, { outcome: 'failed', type: 'c.d' });
    await counted(1000, 25, { of: other });
    const { totals } = await ofSubscription();
    expect(totals).toMatchObject({ attempts: 100, succeeded: 95, failed: 5, successRate: 0.95 });
    const inBucketOf = (durationMs: number, value: number) => {
      const bucket = bucketOf(durationMs);
      expect(value).toBeGreaterThan(BUCKET_BOUNDS_MS[bucket - 1]!);
      expect(value).toBeLessThanOrEqual(BUCKET_BOUNDS_MS[bucket]!);
    };
    inBucketOf(25, totals.p50Ms);
    inBucketOf(200, totals.p95Ms);
    inBucketOf(9000, totals.p99Ms);
  });

  it('hold every hour of the window, those without attempts too', async () => {
    await counted(4, 10);
    await counted(6, 10, { hour: '2026-03-10T10:00:00Z', outcome: 'retry' });
    await counted(1, 10, { hour: '2026-03-09T13:00:00Z' });
    await counted(50, 10, { hour: '2026-03-09T12:00:00Z' });
    const day = await ofSubscription();
    expect(day).toMatchObject({
      subscriptionId: subscription,
      window: '24h',
      since: '2026-03-09T13:00:00.000Z',
      until: '2026-03-10T12:30:00.000Z',
      totals: { attempts: 11, succeeded: 5, failed: 6 },
    });
    expect(day.hours).toHaveLength(24);
    expect(day.hours[0]).toMatchObject({ hour: '2026-03-09T13:00:00.000Z', attempts: 1 });
    expect(day.hours[21]).toMatchObject({ hour: '2026-03-10T10:00:00.000Z', attempts: 6, successRate: 0 });
    expect(day.hours[22]).toEqual({ hour: '2026-03-10T11:00:00.000Z', ...NOTHING });
    expect(day.hours[23]).toMatchObject({ hour: '2026-03-10T12:00:00.000Z', attempts: 4, successRate: 1 });

    const week = await ofSubscription('?window=7d');
    expect([week.hours.length, week.totals.attempts]).toEqual([168, 61]);
    await counted(8, 10, { hour: '2026-02-20T12:00:00Z' });
    const month = await ofSubscription('?window=30d');
    expect([month.hours.length, month.totals.attempts]).toEqual([720, 69]);
  });

  it('are empty and not missing where nothing was sent', async () => {
    const { totals, hours } = await ofSubscription();
    expect(totals).toEqual(NOTHING);
    expect(hours).toHaveLength(24);
  });

  it("refuse windows there are none of, and other tenants' subscriptions", async () => {
    expect((await api.get(`/api/v1/subscriptions/${subscription}/stats?window=1y`, 422)).errors[0].pointer).toBe(
      '/window',
    );
    await Api.of(app).get(`/api/v1/subscriptions/${subscription}/stats`, 404);
  });
});

it('count what is really sent, as it is recorded', async () => {
  const receiver = await startReceiver({ script: [200, 500, 200] });
  const fields = { url: receiver.url, eventTypes: ['real.one'], retryAttempts: 0, maxInFlight: 1 };
  const { id } = await api.post('/api/v1/subscriptions', fields, 201);
  for (let n = 1; n <= 3; n++) {
    await api.post('/api/v1/events', { type: 'real.one', data: { n } }, 202);
    await eventually(() => expect(receiver.requests).toHaveLength(n));
  }
  await eventually(async () => {
    const { totals, hours } = await api.get(`/api/v1/subscriptions/${id}/stats`);
    expect(totals).toMatchObject({ attempts: 3, succeeded: 2, failed: 1, p50Ms: expect.any(Number) });
    expect(hours.at(-1)).toMatchObject({ attempts: 3 });
  });
  expect((await ofTenant('?groupBy=eventType')).groups).toMatchObject([{ key: 'real.one', attempts: 3 }]);
  await receiver.close();
});

describe("a tenant's statistics", () => {
  it('are totals, and groups by subscription or event type, the busiest first', async () => {
    await counted(10, 25);
    await counted(2, 25, { type: 'c.d', outcome: 'failed' });
    await counted(30, 600, { of: other, type: 'c.d' });
    const totals = await ofTenant();
    expect(totals.totals).toMatchObject({ attempts: 42, succeeded: 40, failed: 2 });
    expect([totals.groups, totals.hours]).toEqual([undefined, undefined]);
    const bySubscription = await ofTenant('?groupBy=subscription');
    expect(bySubscription.groups).toMatchObject([
      { key: other, attempts: 30, successRate: 1 },
      { key: subscription, attempts: 12, failed: 2 },
    ]);
    expect(bySubscription.groups[0].p50Ms).toBeGreaterThan(bySubscription.groups[1].p50Ms);
    const byType = await ofTenant('?groupBy=eventType');
    expect(byType.groups).toMatchObject([
      { key: 'c.d', attempts: 32 },
      { key: 'a.b', attempts: 10 },
    ]);
    const byHour = await ofTenant('?groupBy=hour&window=7d');
    expect(byHour.hours).toHaveLength(168);
    expect(byHour.hours.at(-1)).toMatchObject({ hour: '2026-03-10T12:00:00.000Z', attempts: 42 });
  });

  it('hold nothing of another tenant', async () => {
    await counted(10, 25);
    const { totals } = await Api.of(app).get('/api/v1/stats?window=30d');
    expect(totals).toEqual(NOTHING);
  });

  it('refuse groups there are none of', async () => {
    expect((await api.get('/api/v1/stats?groupBy=colour', 422)).errors[0].pointer).toBe('/groupBy');
  });
});
