import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { createTenant } from '../tenants/tenancy.js';

let database: TestDatabase;
let receiver: Receiver;
let apps: TestApp[];
beforeEach(async () => {
  [database, receiver] = await Promise.all([createTestDatabase(), startReceiver()]);
  apps = [];
});
afterEach(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await Promise.all([database.drop(), receiver.close()]);
});

async function start(config: Record<string, string> = {}): Promise<TestApp> {
  const app = await startTestApp({ database, config: { RELAY_INTERVAL_MS: '20', ...config } });
  apps.push(app);
  return app;
}
const batch = (type: string, count: number) => Array.from({ length: count }, (_, n) => ({ type, data: { n } }));

describe('a rate limit', () => {
  it('is kept over all workers together', async () => {
    const [one, two] = [await start(), await start()];
    const subscription = { url: receiver.url, eventTypes: ['paced.one'], rateLimit: { perSecond: 20 } };
    const { id } = await Api.of(one!).post('/api/v1/subscriptions', subscription, 201);
    await Promise.all([
      Api.of(one!).post('/api/v1/events/batch', batch('paced.one', 30), 202),
      Api.of(two!).post('/api/v1/events/batch', batch('paced.one', 30), 202),
    ]);
    await eventually(() => expect(receiver.requests).toHaveLength(60), 30_000);
    // 60 requests at 20 a second: the places span 59/20 s, whatever the machine; requests only come later than their place.
    const times = receiver.requests.map((request) => request.at.getTime()).sort((a, b) => a - b);
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(2_500);
    const { data } = await Api.of(one!).get(`/api/v1/deliveries?subscriptionId=${id}&limit=200`);
    expect(data.every((delivery: { attemptCount: number }) => delivery.attemptCount <= 1)).toBe(true);
  });

  it('does not slow down others', async () => {
    const app = await start();
    const api = Api.of(app);
    await api.post(
      '/api/v1/subscriptions',
      { url: `${receiver.url}/slow`, eventTypes: ['paced.*'], rateLimit: { perSecond: 1 } },
      201,
    );
    await api.post('/api/v1/subscriptions', { url: `${receiver.url}/fast`, eventTypes: ['paced.*'] }, 201);
    await api.post('/api/v1/events/batch', batch('paced.two', 100), 202);
    await eventually(() => expect(receiver.requests.filter((request) => request.path === '/fast')).toHaveLength(100));
    expect(receiver.requests.filter((request) => request.path === '/slow').length).toBeLessThan(50);
  });
});

describe('requests open at once', () => {
  it('are limited for one subscription and in all', async () => {
    let open = 0;
    let most = 0;
    receiver.respondWith(async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 20));
      open--;
      return 200;
    });
    const api = Api.of(await start({ DELIVERY_IN_FLIGHT: '6' }));
    const few = { url: `${receiver.url}/few`, eventTypes: ['open.one'], maxInFlight: 2 };
    await api.post('/api/v1/subscriptions', few, 201);
    await api.post('/api/v1/events/batch', batch('open.one', 30), 202);
    await eventually(() => expect(receiver.requests).toHaveLength(30));
    expect(most).toBe(2);
    for (let i = 0; i < 6; i++) {
      await api.post('/api/v1/subscriptions', { url: `${receiver.url}/${i}`, eventTypes: ['open.many'] }, 201);
    }
    await api.post('/api/v1/events/batch', batch('open.many', 15), 202);
    await eventually(() => expect(receiver.requests).toHaveLength(120));
    expect(most).toBe(6);
  });

  it('that hang at one endpoint leave the others alone', async () => {
    receiver.respondWith((request) => (request.path === '/hangs' ? { hang: true } : 200));
    const api = Api.of(await start({ DELIVERY_IN_FLIGHT: '40', SHUTDOWN_GRACE_S: '0' }));
    await api.post(
      '/api/v1/subscriptions',
      { url: `${receiver.url}/hangs`, eventTypes: ['hang.one'], timeoutMs: 60_000 },
      201,
    );
    await api.post('/api/v1/subscriptions', { url: `${receiver.url}/good`, eventTypes: ['hang.one'] }, 201);
    await api.post('/api/v1/events/batch', batch('hang.one', 300), 202);
    await eventually(() => expect(receiver.requests.filter((request) => request.path === '/good')).toHaveLength(300));
    expect(receiver.requests.filter((request) => request.path === '/hangs').length).toBeLessThanOrEqual(32);
  });
});

describe('tenants', () => {
  it('have their turn: one with thousands waiting does not delay one with a single event', async () => {
    receiver.respondWith(async (request) => {
      if (request.path.startsWith('/busy')) await new Promise((resolve) => setTimeout(resolve, 5));
      return 200;
    });
    const app = await start({ DELIVERY_IN_FLIGHT: '4', DELIVERY_HELD: '256' });
    const busy = Api.of(app);
    for (let n = 0; n < 5; n++)
      await busy.post('/api/v1/subscriptions', { url: `${receiver.url}/busy${n}`, eventTypes: ['fair.*'] }, 201);
    const quiet = new Api(app.url, (await createTenant(app, 'quiet')).apiKey);
    await quiet.post('/api/v1/subscriptions', { url: `${receiver.url}/quiet`, eventTypes: ['fair.*'] }, 201);
    for (let n = 0; n < 2; n++) await busy.post('/api/v1/events/batch', batch('fair.one', 600), 202);
    await quiet.post('/api/v1/events', { type: 'fair.one', data: {} }, 202);
    await eventually(() => expect(receiver.requests.some((request) => request.path === '/quiet')).toBe(true), 60_000);
    const before = receiver.requests.findIndex((request) => request.path === '/quiet');
    expect(before).toBeLessThan(3000);
    const [row] = await database.query<{ n: number }>(
      `select count(*)::int as n from deliveries where status = 'pending'`,
    );
    expect(row!.n).toBeGreaterThan(1000);
  });
});
