import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { sendRaw } from '../../support/raw-request.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { PROCESS_API_KEY, type ServerProcess, startServer } from '../../support/server-process.js';

const EVENTS = 500;
// An upper bound for a loaded machine: each of these starts three servers.
const LIMIT_MS = 240_000;
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

// A lease short enough to wait for its end, the same for those that store and those that process.
const SHORT_LEASE = { DELIVERY_LEASE_S: '2', RELAY_INTERVAL_MS: '50' };

async function start(env: Parameters<typeof startServer>[0]): Promise<ServerProcess> {
  const server = await startServer({ DATABASE_URL: database.url, ...SHORT_LEASE, ...env });
  servers.push(server);
  return server;
}

const rows = <Row extends Record<string, unknown>>(sql: string) => database.query<Row>(sql);
const statuses = async () =>
  Object.fromEntries(
    (
      await rows<{ status: string; n: number }>('select status, count(*)::int as n from integration_events group by 1')
    ).map((row) => [row.status, row.n]),
  );

describe.each(['postgres', 'redis'] as const)('with the queue in %s', (backend) => {
  const queue = () => (backend === 'redis' ? { REDIS_URL: redis.url } : {});

  it(
    'a worker killed during 500 events leaves all of them processed, exactly once in effect',
    async () => {
      const server = await start({ ROLES: 'api', ...queue() });
      const api = new Api(server.url, PROCESS_API_KEY);
      await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['contact.*'] }, 201);
      const doomed = await start({ ROLES: 'worker', ...queue() });
      const [tenant] = await rows<{ id: string }>('select id from tenants');
      // Every contact is named twice, by two events: what is done twice would show as a second contact or a second event.
      const send = async (n: number) => {
        const answer = await sendRaw(`${server.url}/api/webhooks/lead.captured`, {
          headers: [
            ['X-Tenant-ID', tenant!.id],
            ['X-API-Key', PROCESS_API_KEY],
            ['Idempotency-Key', `lead-${n}`],
          ],
          body: JSON.stringify({ email: `lead${n % (EVENTS / 2)}@example.com`, first_name: 'Ana' }),
        });
        expect(answer.status, answer.body).toBe(202);
      };
      const sending = (async () => {
        for (let n = 0; n < EVENTS; n += 50) await Promise.all(Array.from({ length: 50 }, (_, i) => send(n + i)));
      })();
      await eventually(async () => expect((await statuses()).processed ?? 0).toBeGreaterThan(20), 100_000);
      await doomed.kill();
      await sending;
      expect((await statuses()).processed ?? 0).toBeLessThan(EVENTS);
      await start({ ROLES: 'worker', ...queue() });
      await eventually(async () => expect(await statuses()).toEqual({ processed: EVENTS }), 100_000);

      expect(await rows('select 1 from contacts')).toHaveLength(EVENTS / 2);
      const published = await rows<{ type: string; n: number }>(
        'select type, count(*)::int as n from events group by 1',
      );
      expect(published).toEqual([{ type: 'contact.created', n: EVENTS / 2 }]);
      const processed = await rows(
        "select event_id from inbound_attempts where outcome = 'processed' group by 1 having count(*) > 1",
      );
      expect(processed).toEqual([]);
      await eventually(
        () => expect(new Set(receiver.requests.map((request) => request.headers['webhook-id'])).size).toBe(EVENTS / 2),
        100_000,
      );
    },
    LIMIT_MS,
  );

  it(
    'a stopped worker gives back what it has not begun',
    async () => {
      const server = await start({ ROLES: 'api', ...queue(), DELIVERY_LEASE_S: '600' });
      const worker = await start({ ROLES: 'worker', ...queue(), DELIVERY_LEASE_S: '600' });
      const [tenant] = await rows<{ id: string }>('select id from tenants');
      await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          sendRaw(`${server.url}/api/webhooks/lead.captured`, {
            headers: [
              ['X-Tenant-ID', tenant!.id],
              ['X-API-Key', PROCESS_API_KEY],
            ],
            body: JSON.stringify({ email: `given${n}@example.com` }),
          }),
        ),
      );
      expect(await worker.stop()).toBe(0);
      await start({ ROLES: 'worker', ...queue(), DELIVERY_LEASE_S: '600' });
      await eventually(async () => expect(await statuses()).toEqual({ processed: 100 }), 100_000);
    },
    LIMIT_MS,
  );
});

it(
  'a queue that is away stops nothing: the due relay carries on',
  async () => {
    const vanishing = await startRedisServer();
    const server = await start({ ROLES: 'api', REDIS_URL: vanishing.url });
    await start({ ROLES: 'worker', REDIS_URL: vanishing.url });
    const [tenant] = await rows<{ id: string }>('select id from tenants');
    await vanishing.stop();
    const answer = await sendRaw(`${server.url}/api/webhooks/lead.captured`, {
      headers: [
        ['X-Tenant-ID', tenant!.id],
        ['X-API-Key', PROCESS_API_KEY],
      ],
      body: '{"email":"a@example.com"}',
    });
    expect(answer.status).toBe(202);
    await eventually(async () => expect(await statuses()).toEqual({ processed: 1 }));
  },
  LIMIT_MS,
);
