import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { PROCESS_API_KEY, type ServerProcess, startServer } from '../../support/server-process.js';
import { defineCustomField, fillContacts } from './contacts.js';

/** `EXPORT_ROWS=1000000` measures what docs/performance.md says; a run of all tests takes fewer. */
const ROWS = Number(process.env.EXPORT_ROWS ?? 100_000);
const MEGABYTE = 1024 * 1024;

let database: TestDatabase;
let server: ServerProcess;
let api: Api;
beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ DATABASE_URL: database.url, LOG_LEVEL: 'warn' });
  api = new Api(server.url, PROCESS_API_KEY);
  const [tenant] = await database.query<{ id: string }>('select id from tenants');
  await defineCustomField(database, tenant?.id as string, 'favorite_drink');
  await defineCustomField(database, tenant?.id as string, 'visit_count', 'number');
  // What is exported is read in the order of its ids: the other indexes would only make the filling slow.
  const others = await database.query<{ name: string }>(
    `select indexrelid::regclass::text as name from pg_index where indrelid = 'contacts'::regclass and not indisprimary
     and pg_get_indexdef(indexrelid) not like '%(tenant_id, id)'`,
  );
  await database.query(`drop index ${others.map(({ name }) => name).join(', ')}`);
  await fillContacts(database, tenant?.id as string, ROWS);
  await database.query('analyze contacts');
}, 600_000);
afterAll(async () => {
  await server.kill();
  await database.drop();
});

/** Resident memory of the server, now. */
async function residentBytes(): Promise<number> {
  const status = await readFile(`/proc/${server.child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}

it.each(['csv', 'json'])(
  `${ROWS} contacts are streamed as %s in constant memory, and the hash is that of the record`,
  async (format) => {
    // Whatever is loaded on first use is there before it is measured.
    await fetch(`${server.url}/api/admin/export/users/${format}?limit=2000`, {
      headers: { 'x-api-key': PROCESS_API_KEY },
    }).then((answer) => answer.arrayBuffer());
    const before = await residentBytes();
    const startedAt = performance.now();
    const answer = await fetch(`${server.url}/api/admin/export/users/${format}`, {
      headers: { 'x-api-key': PROCESS_API_KEY },
    });
    const hash = createHash('sha256');
    let [bytes, most, next] = [0, 0, 0];
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      bytes += chunk.length;
      if (bytes < next) continue;
      next = bytes + 4 * MEGABYTE;
      most = Math.max(most, await residentBytes());
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const record = await eventually(async () => {
      const shown = await api.get(`/api/v1/exports/${answer.headers.get('x-export-id')}`);
      expect(shown.status).toBe('succeeded');
      return shown;
    });
    const growth = Math.round((most - before) / MEGABYTE);
    console.info(
      `${ROWS} rows as ${format}: ${seconds.toFixed(1)} s, ${Math.round(ROWS / seconds)} rows/s, ${Math.round(bytes / MEGABYTE)} MB, memory grew by ${growth} MB`,
    );
    expect(record).toMatchObject({ rows: ROWS, bytes, sha256: hash.digest('hex') });
    expect(growth).toBeLessThan(150);
  },
  600_000,
);
