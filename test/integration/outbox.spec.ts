import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { PROCESS_API_KEY, type ServerProcess, startServer } from '../support/server-process.js';
import { as, createKey, createTenant, logIn } from './tenants/tenancy.js';

const QUICK = { RELAY_INTERVAL_MS: '20' };

/** As a host's transaction would. */
const emit = (database: TestDatabase, tenant: string, type: string, data: object, orderingKey: string | null = null) =>
  database
    .query<{ id: string }>('select posthaste_emit($1, $2, $3, ordering_key => $4) as id', [
      tenant,
      type,
      JSON.stringify(data),
      orderingKey,
    ])
    .then((rows) => rows[0]?.id as string);

const dataOf = (receiver: Receiver) => receiver.requests.map((request) => JSON.parse(request.body).data);

describe('the outbox', () => {
  let app: TestApp;
  let api: Api;
  let receiver: Receiver;
  beforeAll(async () => {
    app = await startTestApp({ config: { ...QUICK, BODY_LIMIT_BYTES: '4096' } });
    api = Api.of(app);
  });
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());
  afterAll(() => app.close());

  const subscribe = (eventTypes: string[], fields: object = {}) =>
    api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes, ...fields }, 201);
  const refused = async () => (await api.get('/api/v1/outbox?status=refused')).data;

  it('makes one event of a row that was committed, with all that was said, and none of one that was rolled back', async () => {
    await subscribe(['host.said'], { channels: ['eu'] });
    const host = new pg.Client({ connectionString: app.database.url });
    await host.connect();
    const call = `select posthaste_emit('${app.tenant.slug}', 'host.said', $1, 'key', 'eu', '{"by":"host"}', '2026-01-31T10:00:00Z')`;
    await host.query('begin');
    await host.query(call, [{ n: 1 }]);
    await host.query('rollback');
    await host.query('begin');
    await host.query(call, [{ n: 2 }]);
    await host.query('commit');
    await host.end();
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    expect(JSON.parse(receiver.requests[0]!.body)).toEqual({
      event: 'host.said',
      timestamp: '2026-01-31T10:00:00.000Z',
      data: { n: 2 },
      metadata: { by: 'host' },
    });
    const { data } = await api.get('/api/v1/events?type=host.said');
    expect(data).toMatchObject([{ channel: 'eu', orderingKey: 'key', occurredAt: '2026-01-31T10:00:00.000Z' }]);
    expect(await api.get('/api/v1/outbox')).toEqual({ data: [], nextCursor: null });
  });

  it('takes the tenant by id as well, and refuses an unknown one in the transaction that names it', async () => {
    await subscribe(['by.id']);
    await emit(app.database, app.tenant.id.toUpperCase(), 'by.id', {});
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    await expect(emit(app.database, 'nobody', 'by.id', {})).rejects.toThrow('Posthaste has no tenant "nobody"');
  });

  it('keeps what cannot become an event with the reason, tells of it, and goes on with the others', async () => {
    await subscribe(['good.*', 'outbox.refused']);
    const schema = { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } };
    await api.post('/api/v1/event-types', { name: 'good.checked', schema }, 201);
    const ids = {
      misfit: await emit(app.database, app.tenant.slug, 'good.checked', { amount: 'much' }, 'k'),
      name: await emit(app.database, app.tenant.slug, 'not a name', {}),
      list: await emit(app.database, app.tenant.slug, 'good.list', [1]),
      large: await emit(app.database, app.tenant.slug, 'good.large', { text: 'x'.repeat(5000) }),
      long: await emit(app.database, app.tenant.slug, 'good.long', {}, 'k'.repeat(300)),
    };
    await emit(app.database, app.tenant.slug, 'good.checked', { amount: 5 }, 'k');
    await eventually(() => expect(dataOf(receiver)).toContainEqual({ amount: 5 }));
    await eventually(async () => expect(await refused()).toHaveLength(5));
    const words = Object.fromEntries(
      (await refused()).map((row: { id: string; errorCode: string; error: string }) => [
        row.id,
        `${row.errorCode}: ${row.error}`,
      ]),
    );
    expect(words[ids.misfit]).toContain(
      'invalid_event_data: The data does not fit the schema of "good.checked": /amount',
    );
    expect(words[ids.name]).toContain('invalid_request: "not a name" is not an event type');
    expect(words[ids.list]).toBe('invalid_request: data must be a JSON object.');
    expect(words[ids.large]).toMatch(/^body_too_large: Data and metadata have 50\d\d bytes; an event may have 4096\.$/);
    expect(words[ids.long]).toBe('invalid_request: orderingKey must be a string of 1 to 256 characters.');
    await eventually(() =>
      expect(dataOf(receiver)).toContainEqual(expect.objectContaining({ outboxId: ids.name, eventType: 'not a name' })),
    );

    await api.post(`/api/v1/outbox/${ids.misfit}/retry`, {}, 202);
    await eventually(async () =>
      expect(await api.get(`/api/v1/outbox/${ids.misfit}`)).toMatchObject({ status: 'refused' }),
    );
    await api.patch('/api/v1/event-types/good.checked', { schema: null });
    await api.post(`/api/v1/outbox/${ids.misfit}/retry`, {}, 202);
    await eventually(() => expect(dataOf(receiver)).toContainEqual({ amount: 'much' }));
    await api.post(`/api/v1/outbox/${ids.misfit}/retry`, {}, 404);
    for (const id of [ids.name, ids.list, ids.large, ids.long]) await api.delete(`/api/v1/outbox/${id}`);
    expect(await refused()).toEqual([]);
  });

  it('is shown to its tenant alone, and changed with events:write only', async () => {
    const theirs = await createTenant(app, 'outbox-theirs');
    const id = await emit(app.database, theirs.slug, 'no name at all', {});
    const theirApi = new Api(app.url, theirs.apiKey);
    await eventually(async () => expect((await theirApi.get('/api/v1/outbox?status=refused')).data).toHaveLength(1));
    expect((await api.get('/api/v1/outbox')).data.map((row: { id: string }) => row.id)).not.toContain(id);
    await api.get(`/api/v1/outbox/${id}`, 404);
    await api.post(`/api/v1/outbox/${id}/retry`, {}, 404);
    await api.delete(`/api/v1/outbox/${id}`, 404);
    const reader = await createKey(app, theirs.apiKey, ['events:read']);
    await new Api(app.url, reader.key).get(`/api/v1/outbox/${id}`);
    await new Api(app.url, reader.key).delete(`/api/v1/outbox/${id}`, 403);
    await theirApi.get('/api/v1/outbox?status=lost', 422);
  });

  it('gives a role with EXECUTE that right and no other', async () => {
    await app.database.query(`create role outbox_host login password 'host'`);
    try {
      const url = new URL(app.database.url);
      url.username = 'outbox_host';
      url.password = 'host';
      const host = new pg.Client({ connectionString: url.href });
      await host.connect();
      const call = `select posthaste_emit('${app.tenant.slug}', 'by.role', '{}')`;
      await expect(host.query(call)).rejects.toThrow('permission denied for function posthaste_emit');
      await app.database.query('grant execute on function posthaste_emit to outbox_host');
      await host.query(call);
      for (const table of ['posthaste_outbox', 'tenants', 'events'])
        await expect(host.query(`select * from ${table}`)).rejects.toThrow('permission denied');
      await host.end();
      await eventually(async () => expect((await api.get('/api/v1/events?type=by.role')).data).toHaveLength(1));
    } finally {
      await app.database.query('drop owned by outbox_host; drop role outbox_host');
    }
  });

  it('tells of a new member, in the transaction that makes it, to those who ask', async () => {
    const owner = await logIn(app, app.owner);
    const create = (email: string) =>
      as(app, owner).post('/api/v1/members').send({ email, name: 'Ana', role: 'developer' });
    await create('before@example.com').expect(201);
    await subscribe(['member.created']);
    const { body } = await create('ana@example.com').expect(201);
    await create('ana@example.com').expect(409);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    expect(dataOf(receiver)).toEqual([
      { member_id: body.id, email: 'ana@example.com', name: 'Ana', role: 'developer' },
    ]);
    expect((await api.get('/api/v1/events?type=member.created')).data).toHaveLength(1);
  });
});

describe('the outbox with several workers', () => {
  let database: TestDatabase;
  let receiver: Receiver;
  let servers: ServerProcess[];
  beforeEach(async () => {
    [database, receiver] = await Promise.all([createTestDatabase(), startReceiver()]);
    servers = [];
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.kill()));
    await Promise.all([database.drop(), receiver.close()]);
  });

  const start = async (env: Parameters<typeof startServer>[0] = {}) => {
    const server = await startServer({ DATABASE_URL: database.url, DELIVERY_LEASE_S: '2', ...QUICK, ...env });
    servers.push(server);
    return server;
  };
  const emitMany = (count: number) =>
    database.query(
      `select posthaste_emit('default', 'many.one', jsonb_build_object('key', n % 4, 'n', n), ordering_key => (n % 4)::text)
       from generate_series(1, $1::int) n`,
      [count],
    );

  it('keeps the order of every key, and makes one event of each row', async () => {
    await start({ ROLES: 'api' });
    await emitMany(4000);
    await Promise.all([start({ ROLES: 'worker' }), start({ ROLES: 'worker' }), start({ ROLES: 'worker' })]);
    await emitMany(2000);
    await eventually(
      async () => expect(await database.query('select 1 from posthaste_outbox')).toHaveLength(0),
      60_000,
    );
    const rows = await database.query<{ key: number; rounds: number[] }>(
      `select ordering_key as key, array_agg((data::jsonb->>'n')::int order by id) as rounds from events group by 1`,
    );
    expect(rows).toHaveLength(4);
    for (const { rounds } of rows) {
      expect(rounds).toHaveLength(1500);
      const [first, second] = [rounds.slice(0, 1000), rounds.slice(1000)];
      for (const round of [first, second]) expect(round).toEqual([...round].sort((a, b) => a - b));
    }
  });

  it('makes exactly one event of each row when a worker is killed between event and row', async () => {
    const api = await start({ ROLES: 'api' });
    const subscription = { url: receiver.url, eventTypes: ['many.*'] };
    await new Api(api.url, PROCESS_API_KEY).post('/api/v1/subscriptions', subscription, 201);
    // The first deletion of a batch never ends: the worker stands between its two halves, as long as it lives.
    await database.query(`create table gate ()`);
    await database.query(`
      create function wait_at_gate() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(4711); return old; end $$`);
    await database.query(
      'create trigger gate before delete on posthaste_outbox for each statement execute function wait_at_gate()',
    );
    const gate = new pg.Client({ connectionString: database.url });
    await gate.connect();
    await gate.query('select pg_advisory_lock(4711)');
    await emitMany(20);
    const doomed = await start({ ROLES: 'worker' });
    await eventually(async () =>
      expect(
        await database.query(`select 1 from pg_locks where locktype = 'advisory' and objid = 4711 and not granted`),
      ).toHaveLength(1),
    );
    await doomed.kill();
    await gate.query('select pg_advisory_unlock(4711)');
    await gate.end();
    await start({ ROLES: 'worker' });
    await eventually(
      async () => expect(await database.query('select 1 from posthaste_outbox')).toHaveLength(0),
      60_000,
    );
    expect(await database.query('select 1 from events')).toHaveLength(20);
    await eventually(() => expect(new Set(dataOf(receiver).map(({ n }) => n)).size).toBe(20), 30_000);
    expect(new Set(receiver.requests.map((request) => request.headers['webhook-id'])).size).toBe(20);
  });
});

it('the example books as docs/guides/emit-in-your-transaction.md says, by function and by model', async () => {
  const guide = await readFile(new URL('../../docs/guides/emit-in-your-transaction.md', import.meta.url), 'utf8');
  const [app, receiver] = await Promise.all([startTestApp({ config: QUICK }), startReceiver()]);
  try {
    const commands = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map((block) => block[1]).join('\n');
    const script = commands
      .replace('http://localhost:8001', app.url)
      .replace('phk_...', app.apiKey)
      .replace('postgres://user:password@localhost:5432/posthaste', app.database.url)
      .replace('http://127.0.0.1:9000', receiver.url);
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { timeout: 100_000 });
    expect(stdout.match(/booked \S+ for Ada\nnot booked: that table is taken\n/g)).toHaveLength(2);
    await eventually(() => expect(receiver.requests).toHaveLength(2));
    const booked = await app.database.query<{ id: string }>('select id from shop.bookings');
    expect(
      dataOf(receiver)
        .map(({ booking }) => booking.id)
        .sort(),
    ).toEqual(booked.map(({ id }) => id).sort());
    expect(await app.database.query('select 1 from events')).toHaveLength(2);
  } finally {
    await Promise.all([app.close(), receiver.close()]);
    await rm(new URL('../../examples/prisma-outbox/generated', import.meta.url), { recursive: true, force: true });
  }
}, 120_000);
