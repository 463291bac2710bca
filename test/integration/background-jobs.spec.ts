import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { PROCESS_API_KEY, type ServerProcess, startServer } from '../support/server-process.js';
import { createTenant } from './tenants/tenancy.js';

const SINCE = '2020-01-01T00:00:00Z';
/** Three steps of a recovery. */
const EVENTS = 1200;

let receiver: Receiver;
let database: TestDatabase;
const sessions: pg.Client[] = [];

beforeEach(async () => {
  [receiver, database] = await Promise.all([startReceiver(), createTestDatabase()]);
});
afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.end()));
  await Promise.all([receiver.close(), database.drop()]);
});

/** Missed events of a subscription that is enabled now: what `recover` has to make deliveries of. */
async function missedEvents(api: Api): Promise<{ id: string; tenantId: string }> {
  const body = { url: receiver.url, eventTypes: ['missed.*'], enabled: false };
  const subscription = await api.post('/api/v1/subscriptions', body, 201);
  const events = Array.from({ length: EVENTS / 2 }, (_, n) => ({ type: 'missed.one', data: { n } }));
  await api.post('/api/v1/events/batch', events, 202);
  await api.post('/api/v1/events/batch', events, 202);
  return api.patch(`/api/v1/subscriptions/${subscription.id}`, { enabled: true });
}

const recover = (api: Api, id: string) => api.post(`/api/v1/subscriptions/${id}/recover`, { since: SINCE }, 202);

/** Takes the lock that every step needs; it is ours once those who asked before have had it. */
async function holdSteps(tenantId: string) {
  const session = new pg.Client({ connectionString: database.url });
  sessions.push(session);
  await session.connect();
  const lock = `hashtextextended('recovery ' || $1, 0)`;
  const granted = session.query(`select pg_advisory_lock(${lock})`, [tenantId]);
  granted.catch(() => {});
  const pid = (session as unknown as { processID: number }).processID;
  return {
    granted,
    /** Somebody has it, and we are the next. */
    queued: () =>
      eventually(async () =>
        expect(await database.query('select 1 from pg_locks where not granted and pid = $1', [pid])).toHaveLength(1),
      ),
    release: () => session.query(`select pg_advisory_unlock(${lock})`, [tenantId]),
  };
}

const stepWaits = () =>
  eventually(async () => {
    const waiting = await database.query(`select 1 from pg_locks where locktype = 'advisory' and not granted`);
    expect(waiting.length).toBeGreaterThan(0);
  });
const deliveryCounts = async () =>
  (
    await database.query<{ made: number; events: number; succeeded: number }>(
      `select count(*)::int as made, count(distinct event_id)::int as events,
              count(*) filter (where status = 'succeeded')::int as succeeded from deliveries`,
    )
  )[0];

describe.each(['postgres', 'redis'] as const)('with the queue in %s', (backend) => {
  let redis: RedisServer | null;
  const servers: ServerProcess[] = [];

  beforeEach(async () => {
    redis = backend === 'redis' ? await startRedisServer() : null;
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.kill()));
    await redis?.stop();
  });

  async function start(roles: string): Promise<ServerProcess> {
    const queue = redis ? { REDIS_URL: redis.url } : {};
    const server = await startServer({
      DATABASE_URL: database.url,
      ROLES: roles,
      DELIVERY_LEASE_S: '3',
      RELAY_INTERVAL_MS: '50',
      ...queue,
    });
    servers.push(server);
    return server;
  }

  it('a job whose worker is killed is gone on with by another one, from the step it was at', async () => {
    const api = new Api((await start('api')).url, PROCESS_API_KEY);
    const { id, tenantId } = await missedEvents(api);
    const beforeFirstStep = await holdSteps(tenantId);
    await beforeFirstStep.granted;
    const job = await recover(api, id);
    expect(job).toMatchObject({ status: 'queued', total: EVENTS, done: 0 });

    const doomed = await start('worker');
    await stepWaits();
    const beforeSecondStep = await holdSteps(tenantId);
    await beforeSecondStep.queued();
    await beforeFirstStep.release();
    await beforeSecondStep.granted;
    await eventually(async () =>
      expect(await api.get(`/api/v1/jobs/${job.id}`)).toMatchObject({ status: 'running', done: 500 }),
    );
    await stepWaits();
    await doomed.kill();
    await beforeSecondStep.release();

    await start('worker');
    const done = { status: 'succeeded', done: EVENTS };
    await eventually(async () => expect(await api.get(`/api/v1/jobs/${job.id}`)).toMatchObject(done), 60_000);
    const all = { made: EVENTS, events: EVENTS, succeeded: EVENTS };
    await eventually(async () => expect(await deliveryCounts()).toEqual(all), 60_000);
  }, 240_000);
});

describe('in one process', () => {
  let app: TestApp;
  let api: Api;

  beforeEach(async () => {
    app = await startTestApp({ database, config: { RELAY_INTERVAL_MS: '20' } });
    api = Api.of(app);
  });
  afterEach(() => app.close());

  it('a cancelled job stops after the step it is at, and stays cancelled', async () => {
    const { id, tenantId } = await missedEvents(api);
    const steps = await holdSteps(tenantId);
    await steps.granted;
    const job = await recover(api, id);
    await stepWaits();
    const cancelled = await api.post(`/api/v1/jobs/${job.id}/cancel`, {}, 200);
    expect(cancelled).toMatchObject({ id: job.id, status: 'cancelled', done: 0 });
    await steps.release();
    await eventually(async () => expect((await deliveryCounts())!.made).toBe(500));
    expect(await api.post(`/api/v1/jobs/${job.id}/cancel`, {}, 200)).toEqual(cancelled);
    // One that is asked for afterwards does the rest and ends: the first had time to go on, and has not.
    const next = await recover(api, id);
    await eventually(async () =>
      expect((await api.get(`/api/v1/jobs/${next.id}`)).result).toEqual({ reopened: 0, created: 700 }),
    );
    expect(await api.get(`/api/v1/jobs/${job.id}`)).toEqual(cancelled);
  });

  it('a job ends with the words of what went wrong when its subscription is deleted meanwhile', async () => {
    const { id, tenantId } = await missedEvents(api);
    const first = await holdSteps(tenantId);
    await first.granted;
    const job = await recover(api, id);
    await stepWaits();
    await api.delete(`/api/v1/subscriptions/${id}`);
    await first.release();
    const ended = await eventually(async () => {
      const shown = await api.get(`/api/v1/jobs/${job.id}`);
      expect(shown.finishedAt).not.toBeNull();
      return shown;
    });
    expect(ended).toMatchObject({
      status: 'succeeded',
      result: { created: 0, note: expect.stringContaining('deleted') },
    });
    expect((await deliveryCounts())!.made).toBe(0);
  });

  it('jobs are listed newest first, by kind and status, and only to their tenant', async () => {
    const { id } = await missedEvents(api);
    const first = await recover(api, id);
    await eventually(async () => expect((await api.get(`/api/v1/jobs/${first.id}`)).status).toBe('succeeded'));
    const second = await api.post('/api/v1/deliveries/retry', { filter: { subscriptionId: id } }, 202);
    await eventually(async () => expect((await api.get(`/api/v1/jobs/${second.id}`)).status).toBe('succeeded'));
    const ids = async (query: string) =>
      (await api.get(`/api/v1/jobs${query}`)).data.map((job: { id: string }) => job.id);
    expect(await ids('')).toEqual([second.id, first.id]);
    expect(await ids('?kind=subscriptions.recover')).toEqual([first.id]);
    expect(await ids('?status=failed')).toEqual([]);
    const page = await api.get('/api/v1/jobs?limit=1');
    expect(page.data[0].id).toBe(second.id);
    expect(await ids(`?limit=1&cursor=${page.nextCursor}`)).toEqual([first.id]);
    const theirs = new Api(app.url, (await createTenant(app, 'other-jobs')).apiKey);
    expect((await theirs.get('/api/v1/jobs')).data).toEqual([]);
    await theirs.get(`/api/v1/jobs/${first.id}`, 404);
    await theirs.post(`/api/v1/jobs/${first.id}/cancel`, {}, 404);
  });
});
