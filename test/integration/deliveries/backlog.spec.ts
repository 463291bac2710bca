import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { TestClock } from '../../support/test-clock.js';

// A worker with room for few rows: whatever comes beyond waits in Postgres.
const HELD = 64;

const clock = new TestClock();
let app: TestApp;
let api: Api;
let receiver: Receiver;
let unique = 0;

beforeAll(async () => {
  app = await startTestApp({ clock, config: { RELAY_INTERVAL_MS: '20', DELIVERY_HELD: String(HELD) } });
  api = Api.of(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

async function subscribe(path: string, fields: object = {}): Promise<{ id: string; type: string }> {
  const type = `backlog.case${++unique}`;
  const url = `${receiver.url}/${path}`;
  const { id } = await api.post('/api/v1/subscriptions', { url, eventTypes: [type], ...fields }, 201);
  return { id, type };
}
const publish = async (type: string, count: number) => {
  const events = Array.from({ length: count }, (_, n) => ({ type, data: { n } }));
  await api.post('/api/v1/events/batch', events, 202);
};
const receivedAt = (path: string) => receiver.requests.filter((request) => request.path === `/${path}`);
const parked = async (id: string) => {
  const [row] = await app.database.query<{ n: number }>(
    `select count(*)::int as n from deliveries where subscription_id = $1 and status = 'pending' and due_at is null`,
    [id],
  );
  return row!.n;
};

describe('more deliveries than a worker has room for', () => {
  it('are parked, and all delivered once as room is made', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    receiver.respondWith(async () => {
      await released;
      return 200;
    });
    const { id, type } = await subscribe('many');
    await publish(type, 600);
    await eventually(async () => expect(await parked(id)).toBeGreaterThanOrEqual(600 - HELD));
    release();
    await eventually(() => expect(receivedAt('many')).toHaveLength(600));
    await eventually(async () => expect(await parked(id)).toBe(0));
    const numbers = receivedAt('many').map((request) => JSON.parse(request.body).data.n as number);
    expect(new Set(numbers).size).toBe(600);
  });

  it('do not hold up those of another endpoint', async () => {
    receiver.respondWith((request) => (request.path === '/stuck' ? { hang: true } : 200));
    const stuck = await subscribe('stuck');
    const other = await subscribe('other');
    await publish(stuck.type, 500);
    await publish(other.type, 100);
    await eventually(() => expect(receivedAt('other')).toHaveLength(100));
    expect(await parked(stuck.id)).toBeGreaterThan(0);
  });

  it('keep to a rate limit', async () => {
    const { id, type } = await subscribe('paced', { rateLimit: { perSecond: 200 } });
    await publish(type, 300);
    await eventually(async () => {
      clock.advance({ seconds: 1 });
      expect(receivedAt('paced')).toHaveLength(300);
    });
    await eventually(async () => expect(await parked(id)).toBe(0));
  });
});

describe('deliveries of an endpoint that is left alone', () => {
  it('are parked when they are published, show when they go on, and go when a probe has found it back', async () => {
    receiver.respondWith([{ status: 503, headers: { 'retry-after': '600' } }, 200]);
    const { id, type } = await subscribe('away');
    await publish(type, 1);
    await eventually(async () =>
      expect((await api.get(`/api/v1/subscriptions/${id}`)).health).toMatchObject({ state: 'paused' }),
    );
    await publish(type, 100);
    expect(await parked(id)).toBe(100);
    const { data } = await api.get(`/api/v1/deliveries?subscriptionId=${id}&limit=1`);
    expect(Date.parse(data[0].nextAttemptAt) - clock.now().getTime()).toBeGreaterThan(500_000);
    expect(receivedAt('away')).toHaveLength(1);
    clock.advance({ seconds: 700 });
    await eventually(() => expect(receivedAt('away')).toHaveLength(102));
    expect(await parked(id)).toBe(0);
  });
});
