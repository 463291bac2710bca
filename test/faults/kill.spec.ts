import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { PROCESS_API_KEY, type ServerProcess, startServer } from '../support/server-process.js';

const KILLS = 20;
const SENDERS = 8;
/** A kill comes at a moment of its own each time: before, during and after commits, sending and recording. */
const killAfterMs = (round: number) => 40 + ((round * 37) % 160);
// A lease short enough to wait for its end.
const SETTINGS = { DELIVERY_LEASE_S: '2', RELAY_INTERVAL_MS: '50', LOG_LEVEL: 'warn' };

let receiver: Receiver;
let database: TestDatabase;
let server: ServerProcess;

beforeAll(async () => {
  [receiver, database] = await Promise.all([startReceiver(), createTestDatabase()]);
});
afterAll(async () => {
  await server.kill();
  await Promise.all([receiver.close(), database.drop()]);
});

const acknowledged: number[] = [];
let next = 0;

/** Publishes until the server is gone, and keeps the numbers of the events that were acknowledged. */
async function publishUntilGone(url: string): Promise<void> {
  const sender = async () => {
    for (;;) {
      const n = next++;
      const answer = await fetch(`${url}/api/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${PROCESS_API_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'kill.test', data: { n } }),
      }).catch(() => null);
      if (!answer) return;
      if (answer.status === 202) acknowledged.push(n);
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

it(`killed with -9 ${KILLS} times under load, it delivers every event it acknowledged, and repeats carry the same webhook-id`, async () => {
  for (let round = 0; round < KILLS; round++) {
    server = await startServer({ DATABASE_URL: database.url, ...SETTINGS });
    if (round === 0) {
      const subscription = { url: receiver.url, eventTypes: ['kill.test'] };
      await new Api(server.url, PROCESS_API_KEY).post('/api/v1/subscriptions', subscription, 201);
    }
    const before = acknowledged.length;
    const publishing = publishUntilGone(server.url);
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(before));
    await delay(killAfterMs(round));
    await server.kill();
    await publishing;
  }

  server = await startServer({ DATABASE_URL: database.url, ...SETTINGS });
  const numberOf = (body: string) => JSON.parse(body).data.n as number;
  await eventually(() => {
    const delivered = new Set(receiver.requests.map((request) => numberOf(request.body)));
    expect(acknowledged.filter((n) => !delivered.has(n))).toEqual([]);
  }, 60_000);
  await eventually(async () => {
    const [{ waiting }] = (await database.query<{ waiting: number }>(
      `select count(*)::int as waiting from deliveries where status <> 'succeeded'`,
    )) as [{ waiting: number }];
    expect(waiting).toBe(0);
  }, 60_000);

  const ids = new Map<number, Set<string>>();
  for (const { body, headers } of receiver.requests) {
    const n = numberOf(body);
    ids.set(n, (ids.get(n) ?? new Set()).add(headers['webhook-id'] as string));
  }
  expect([...ids].filter(([, of]) => of.size > 1)).toEqual([]);
  // What was not acknowledged may have been committed just before the kill; it is delivered too, once more or not at all.
  const [{ events }] = (await database.query<{ events: number }>('select count(*)::int as events from events')) as [
    { events: number },
  ];
  expect(ids.size).toBe(events);
}, 300_000);
