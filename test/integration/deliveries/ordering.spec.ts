import { afterEach, beforeEach, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { TestClock } from '../../support/test-clock.js';

const clock = new TestClock();
let database: TestDatabase;
let receiver: Receiver;
let apps: TestApp[];
beforeEach(async () => {
  [database, receiver] = await Promise.all([createTestDatabase(), startReceiver()]);
  // Two processes: an order that holds in one only would be none.
  apps = [];
  for (let n = 0; n < 2; n++) apps.push(await startTestApp({ database, clock, config: { RELAY_INTERVAL_MS: '20' } }));
});
afterEach(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await Promise.all([database.drop(), receiver.close()]);
});

const api = (n = 0) => Api.of(apps[n] as TestApp);
const numbers = (path: string) =>
  receiver.requests.filter((r) => r.path === path).map((r) => JSON.parse(r.body).data.n as number);
const oneToN = (n: number) => Array.from({ length: n }, (_, i) => i);

it('keeps the order of acceptance, whichever process sends, and does not hold up unordered subscriptions', async () => {
  await api().post(
    '/api/v1/subscriptions',
    { url: `${receiver.url}/ordered`, eventTypes: ['seq.one'], ordered: true },
    201,
  );
  await api().post('/api/v1/subscriptions', { url: `${receiver.url}/free`, eventTypes: ['seq.one'] }, 201);
  for (let n = 0; n < 40; n++) await api(n % 2).post('/api/v1/events', { type: 'seq.one', data: { n } }, 202);
  await api().post(
    '/api/v1/events/batch',
    oneToN(40).map((n) => ({ type: 'seq.one', data: { n: n + 40 } })),
    202,
  );
  await eventually(() => expect(numbers('/ordered')).toHaveLength(80), 40_000);
  expect(numbers('/ordered')).toEqual(oneToN(80));
  expect(numbers('/free').sort((a, b) => a - b)).toEqual(oneToN(80));
});

it('waits for a failed one of the same key, and only of that key', async () => {
  receiver.respondWith((request) => {
    const { n, key } = JSON.parse(request.body).data;
    return key === 'a' && n === 0 && request.headers['x-webhook-attempt'] === '1' ? 500 : 200;
  });
  await api().post(
    '/api/v1/subscriptions',
    { url: `${receiver.url}/keys`, eventTypes: ['seq.two'], ordered: true },
    201,
  );
  const events = ['a', 'b'].flatMap((key) =>
    oneToN(5).map((n) => ({ type: 'seq.two', data: { n, key }, orderingKey: key })),
  );
  await api().post('/api/v1/events/batch', events, 202);
  const seen = (key: string) =>
    receiver.requests
      .map((request) => JSON.parse(request.body).data)
      .filter((data) => data.key === key)
      .map((data) => data.n);
  await eventually(() => expect(seen('b')).toEqual(oneToN(5)));
  expect(seen('a')).toEqual([0]);
  clock.advance({ seconds: 70 });
  await eventually(() => expect(seen('a')).toEqual([0, ...oneToN(5)]));
});

it('goes on after one that failed for good', async () => {
  receiver.respondWith((request) => (JSON.parse(request.body).data.n === 1 ? 500 : 200));
  const subscription = { url: `${receiver.url}/exhausted`, eventTypes: ['seq.three'], ordered: true, retryAttempts: 0 };
  await api().post('/api/v1/subscriptions', subscription, 201);
  await api().post(
    '/api/v1/events/batch',
    oneToN(4).map((n) => ({ type: 'seq.three', data: { n } })),
    202,
  );
  await eventually(() => expect(numbers('/exhausted')).toEqual([0, 1, 2, 3]));
});
