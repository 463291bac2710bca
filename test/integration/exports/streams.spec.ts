import { once } from 'node:events';
import { type ClientRequest, get as httpGet, type IncomingMessage } from 'node:http';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExportSweeper } from '../../../src/export/export-sweeper.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { PROCESS_API_KEY, startServer } from '../../support/server-process.js';
import { TestClock } from '../../support/test-clock.js';
import { fillContacts } from './contacts.js';

/** More than the buffers of two sockets hold: a client that does not read stops the export half-way. */
const MANY = 60_000;

let database: TestDatabase;
const requests: ClientRequest[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const one of requests.splice(0)) one.destroy();
  await database.drop();
});

/** Begins an export and takes its first bytes, and no more. */
async function beginExport(url: string, key: string, path = '/api/admin/export/users/csv') {
  const request = httpGet(url + path, { headers: { 'x-api-key': key }, agent: false });
  requests.push(request);
  request.on('error', () => {});
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  if (response.statusCode === 200) {
    await once(response, 'readable');
    response.read();
  }
  return { request, response, id: String(response.headers['x-export-id']) };
}

/** Statements of exports that Postgres has open. */
const openStatements = () =>
  database.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and application_name = 'posthaste bulk' and xact_start is not null`,
  );

describe('in one process', () => {
  let app: TestApp;
  let api: Api;
  beforeEach(async () => {
    app = await startTestApp({ database, config: { EXPORTS_AT_ONCE: '2' } });
    api = Api.of(app);
    await fillContacts(database, app.tenant.id, MANY);
  });
  afterEach(() => app.close());

  const shown = (id: string) => api.get(`/api/v1/exports/${id}`);

  it('a client that goes away stops the statement at once, and the record says that it was aborted and what was sent', async () => {
    const { request, id } = await beginExport(app.url, app.apiKey);
    expect(await openStatements()).toHaveLength(1);
    expect(await shown(id)).toMatchObject({ status: 'running', finishedAt: null });
    request.destroy();
    await eventually(async () => expect(await openStatements()).toHaveLength(0));
    const record = await eventually(async () => {
      const one = await shown(id);
      expect(one.status).toBe('aborted');
      return one;
    });
    expect(record).toMatchObject({
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      error: expect.stringContaining('closed'),
    });
    expect(record.rows).toBeGreaterThan(0);
    expect(record.rows).toBeLessThan(MANY);
    expect(record.bytes).toBeGreaterThan(0);
  });

  it('a client that goes away while Postgres has not found a row yet stops the statement, too', async () => {
    // Whoever reads contacts waits for this lock, as for a search that takes long.
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    try {
      await holder.query('begin; lock table contacts in access exclusive mode');
      const request = httpGet(`${app.url}/api/admin/export/users/csv`, {
        headers: { 'x-api-key': app.apiKey },
        agent: false,
      });
      request.on('error', () => {});
      await eventually(async () => expect(await openStatements()).toHaveLength(1));
      request.destroy();
      await eventually(async () => expect(await openStatements()).toHaveLength(0));
      expect(await database.query('select 1 from exports')).toEqual([]);
    } finally {
      await holder.end();
    }
  });

  it('more exports at once than allowed are refused with Retry-After, and an end makes room', async () => {
    const first = await beginExport(app.url, app.apiKey);
    await beginExport(app.url, app.apiKey);
    const { response } = await beginExport(app.url, app.apiKey);
    expect(response.statusCode).toBe(429);
    expect(response.headers['retry-after']).toBe('10');
    first.request.destroy();
    await eventually(async () => {
      expect((await beginExport(app.url, app.apiKey, '/api/admin/export/users/csv?limit=1')).response.statusCode).toBe(
        200,
      );
    });
    // The rest of the API has never noticed.
    await api.get('/api/v1/subscriptions');
  });

  it('a statement that fails half-way breaks the answer off, and the record says that it failed', async () => {
    const { response, id } = await beginExport(app.url, app.apiKey);
    const [statement] = await openStatements();
    await database.query('select pg_terminate_backend($1)', [statement?.pid]);
    response.resume();
    await expect(once(response, 'end')).rejects.toThrow();
    await eventually(async () =>
      expect(await shown(id)).toMatchObject({ status: 'failed', error: expect.any(String) }),
    );
  });

  it('a server that stops breaks off what takes longer than its grace, and records it', async () => {
    const own = await startTestApp({ database, config: { SHUTDOWN_GRACE_S: '0' } });
    const { id } = await beginExport(own.url, own.apiKey);
    await own.close();
    expect(await shown(id)).toMatchObject({ status: 'interrupted', error: expect.stringContaining('stopped') });
    expect(await openStatements()).toHaveLength(0);
  });

  it('what is on record can neither be changed nor removed', async () => {
    const { request, id } = await beginExport(app.url, app.apiKey);
    const refused = (sql: string) => expect(database.query(sql), sql).rejects.toThrow(/are a record/);
    await refused('delete from exports');
    await refused(`update exports set actor_name = 'nobody'`);
    await refused(`update exports set filters = '{}'::jsonb || '{"a":1}'`);
    request.destroy();
    await eventually(async () => expect((await shown(id)).status).toBe('aborted'));
    await refused(`update exports set status = 'succeeded'`);
    await refused(`update exports set row_count = 0`);
    await refused(`update exports set sha256 = null`);
  });
});

it('an export whose server was killed is on record, and is marked as interrupted', async () => {
  const server = await startServer({ DATABASE_URL: database.url });
  const tenants = await database.query<{ id: string }>('select id from tenants');
  const tenantId = tenants[0]?.id as string;
  await fillContacts(database, tenantId, MANY);
  const { id } = await beginExport(server.url, PROCESS_API_KEY);
  await server.kill();
  const status = async () =>
    (await database.query<{ status: string }>('select status::text from exports where id = $1', [id]))[0]?.status;
  expect(await status()).toBe('running');

  const clock = new TestClock(new Date(Date.now() + 5 * 60_000));
  const app = await startTestApp({ database, clock, config: { BOOTSTRAP_API_KEY: PROCESS_API_KEY } });
  try {
    await app.app.get(ExportSweeper, { strict: false }).sweep();
    expect(await Api.of(app).get(`/api/v1/exports/${id}`)).toMatchObject({
      status: 'interrupted',
      error: expect.stringContaining('not whole'),
      finishedAt: clock.now().toISOString(),
    });
    const acts = await database.query('select action, actor_kind from audit_log where target_id = $1 order by id', [
      id,
    ]);
    expect(acts).toEqual([
      { action: 'export.started', actor_kind: 'api-key' },
      { action: 'export.interrupted', actor_kind: 'api-key' },
    ]);
  } finally {
    await app.close();
  }
});
