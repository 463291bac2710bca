import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { PROCESS_API_KEY, type ServerProcess, startServer } from '../../support/server-process.js';
import { fillContacts } from './contacts.js';

const CONTACTS = 30_000;

let database: TestDatabase;
const servers: ServerProcess[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.kill()));
  await database.drop();
});
async function start(roles: string) {
  const env = { DATABASE_URL: database.url, ROLES: roles, DELIVERY_LEASE_S: '1', RELAY_INTERVAL_MS: '50' };
  const server = await startServer(env);
  servers.push(server);
  return server;
}

it('a file whose worker is killed half-way is finished by another, without a gap and without a row twice', async () => {
  const api = await start('api');
  const client = new Api(api.url, PROCESS_API_KEY);
  const [tenant] = await database.query<{ id: string }>('select id from tenants');
  await fillContacts(database, tenant?.id as string, CONTACTS);
  // Every piece takes its time, so that there is a half-way.
  await database.query(
    `create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.2); return null; end $$`,
  );
  await database.query('create trigger slow after insert on export_chunks for each row execute function slow()');
  const { id } = await client.post(
    '/api/v1/exports',
    { resource: 'contacts', format: 'ndjson', fields: ['email', 'optIns', 'customFields', 'timestamps'] },
    202,
  );

  const first = await start('worker');
  await eventually(async () => {
    const { rows } = await client.get(`/api/v1/exports/${id}`);
    expect(rows).toBeGreaterThan(0);
  });
  await first.kill();
  const atDeath = await client.get(`/api/v1/exports/${id}`);
  expect(atDeath).toMatchObject({ status: 'running', total: CONTACTS });
  expect(atDeath.rows).toBeLessThan(CONTACTS);
  expect((await client.get(`/api/v1/exports/${id}/file`, 409)).detail).toContain(`of ${CONTACTS} rows`);

  await start('worker');
  const whole = await eventually(async () => {
    const shown = await client.get(`/api/v1/exports/${id}`);
    expect(shown.status).toBe('succeeded');
    return shown;
  }, 60_000);
  const answer = await fetch(`${api.url}/api/v1/exports/${id}/file`, { headers: { 'x-api-key': PROCESS_API_KEY } });
  const bytes = Buffer.from(await answer.arrayBuffer());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(whole.sha256);
  const emails = bytes
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).email);
  expect(emails).toEqual(Array.from({ length: CONTACTS }, (_, i) => `person${i + 1}@example.com`));
}, 180_000);
