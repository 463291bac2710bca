import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp } from '../../support/app.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { PROCESS_API_KEY, type ServerProcess, startServer } from '../../support/server-process.js';
import { TestClock } from '../../support/test-clock.js';

let receiver: Receiver;
let database: TestDatabase;
let redis: RedisServer;
let servers: ServerProcess[];

beforeEach(async () => {
  [receiver, database, redis] = await Promise.all([startReceiver(), createTestDatabase(), startRedisServer()]);
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.kill()));
  await Promise.all([receiver.close(), database.drop(), redis.stop()]);
});

const BACKENDS = ['postgres', 'redis'] as const;
const queueOf = (backend: (typeof BACKENDS)[number]) => (backend === 'redis' ? { REDIS_URL: redis.url } : {});
// A lease short enough to wait for its end.
const SHORT_LEASE = { DELIVERY_LEASE_S: '2', RELAY_INTERVAL_MS: '50' };

async function start(env: Parameters<typeof startServer>[0]): Promise<ServerProcess> {
  const server = await startServer({ DATABASE_URL: database.url, ...env });
  servers.push(server);
  return server;
}

const apiOf = (server: ServerProcess) => new Api(server.url, PROCESS_API_KEY);
const subscribe = (api: Api, fields: object = {}) =>
  api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['durable.*'], ...fields }, 201);
const publish = (api: Api, count: number) =>
  api.post(
    '/api/v1/events/batch',
    Array.from({ length: count }, (_, n) => ({ type: 'durable.one', data: { n } })),
    202,
  );
const received = () => new Set(receiver.requests.map((request) => JSON.parse(request.body).data.n as number)).size;
const statuses = async () =>
  Object.fromEntries(
    (
      await database.query<{ status: string; n: number }>(
        'select status, count(*)::int as n from deliveries group by 1',
      )
    ).map((r) => [r.status, r.n]),
  );

describe.each(BACKENDS)('with the queue in %s', (backend) => {
  it('an api process and a worker process deliver together', async () => {
    const api = await start({ ROLES: 'api', ...queueOf(backend) });
    await start({ ROLES: 'worker', ...queueOf(backend) });
    await subscribe(apiOf(api));
    await publish(apiOf(api), 150);
    await eventually(async () => expect(await statuses()).toEqual({ succeeded: 150 }));
    // Without a fault nothing is sent twice.
    expect(receiver.requests).toHaveLength(150);
  });

  it('a worker killed in the middle of requests loses nothing: another one sends them again with the same message ids', async () => {
    receiver.respondWith([{ hang: true }]);
    const api = await start({ ROLES: 'api', ...queueOf(backend), ...SHORT_LEASE });
    const doomed = await start({ ROLES: 'worker', ...queueOf(backend), ...SHORT_LEASE });
    await subscribe(apiOf(api), { timeoutMs: 60_000 });
    await publish(apiOf(api), 20);
    await eventually(() => expect(receiver.requests.length).toBeGreaterThan(0));
    await doomed.kill();
    const before = receiver.requests.map((request) => request.headers['webhook-id']);
    receiver.respondWith([200]);
    await start({ ROLES: 'worker', ...queueOf(backend), ...SHORT_LEASE });
    await eventually(async () => expect(await statuses()).toEqual({ succeeded: 20 }), 100_000);
    const after = receiver.requests.slice(before.length).map((request) => request.headers['webhook-id']);
    expect(new Set(after).size).toBe(20);
    for (const id of before) expect(after).toContain(id);
  });

  it('a stopped process gives back what it holds at once', async () => {
    receiver.respondWith([{ hang: true }]);
    const first = await start({ SHUTDOWN_GRACE_S: '0', DELIVERY_IN_FLIGHT: '2', ...queueOf(backend) });
    await subscribe(apiOf(first), { timeoutMs: 60_000 });
    await publish(apiOf(first), 10);
    await eventually(() => expect(receiver.requests).toHaveLength(2));
    expect(await first.stop()).toBe(0);
    const rows = await database.query('select 1 from deliveries where due_at > now()');
    expect(rows).toHaveLength(0);
    receiver.respondWith([200]);
    await start(queueOf(backend));
    await eventually(async () => expect(await statuses()).toEqual({ succeeded: 10 }));
  });
});

it('a flushed Redis loses nothing', async () => {
  const api = await start({ ROLES: 'api', REDIS_URL: redis.url, ...SHORT_LEASE });
  await subscribe(apiOf(api));
  await publish(apiOf(api), 100);
  const client = new Redis(redis.url);
  await eventually(async () => expect(await client.llen('bull:deliveries:wait')).toBeGreaterThan(0));
  await client.flushall();
  await client.quit();
  await start({ ROLES: 'worker', REDIS_URL: redis.url, ...SHORT_LEASE });
  await eventually(async () => expect(await statuses()).toEqual({ succeeded: 100 }));
  expect(received()).toBe(100);
});

it('a Redis that is away stops nothing: the due relay carries on', async () => {
  const vanishing = await startRedisServer();
  const api = await start({ ROLES: 'api', REDIS_URL: vanishing.url });
  await start({ ROLES: 'worker', REDIS_URL: vanishing.url, RELAY_INTERVAL_MS: '50' });
  await subscribe(apiOf(api));
  await vanishing.stop();
  expect(await publish(apiOf(api), 10)).toMatchObject({ accepted: 10 });
  await eventually(async () => expect(await statuses()).toEqual({ succeeded: 10 }));
});

it('a process restarted before a retry is due makes it when it is due', async () => {
  receiver.respondWith([500, 200]);
  const clock = new TestClock();
  const options = { database, clock, config: { RELAY_INTERVAL_MS: '20' } };
  const first = await startTestApp(options);
  await subscribe(Api.of(first));
  const { id } = await Api.of(first).post('/api/v1/events', { type: 'durable.one', data: { n: 1 } }, 202);
  await eventually(async () => {
    const { deliveries } = await Api.of(first).get(`/api/v1/events/${id}`);
    expect(deliveries[0].attemptCount).toBe(1);
  });
  await first.close();
  clock.advance({ seconds: 59 });
  const second = await startTestApp(options);
  try {
    const status = async () => (await Api.of(second).get(`/api/v1/events/${id}`)).deliveries[0].status;
    expect(await status()).toBe('pending');
    expect(receiver.requests).toHaveLength(1);
    clock.advance({ seconds: 8 });
    await eventually(async () => expect(await status()).toBe('succeeded'));
    expect(receiver.requests).toHaveLength(2);
  } finally {
    await second.close();
  }
});
