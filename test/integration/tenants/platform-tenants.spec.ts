import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../support/app.js';
import { as, asPlatform, createTenant } from './tenancy.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const TENANTS = '/api/v1/platform/tenants';
const create = (body: object) => asPlatform(app).post(TENANTS).send(body);

describe('the platform token', () => {
  it('is the only credential that counts', async () => {
    const details: string[] = [];
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Bearer ${app.apiKey}` }]) {
      details.push((await request(app.url).get(TENANTS).set(headers).expect(401)).body.detail);
    }
    expect(details).toEqual([
      'Send "Authorization: Bearer <PLATFORM_TOKEN>".',
      expect.stringContaining('not the platform token'),
      expect.stringContaining('not the platform token'),
    ]);
    await request(app.url).get(TENANTS).set('X-API-Key', app.apiKey).expect(401);
    await asPlatform(app).get(TENANTS).expect(200);
    await asPlatform(app).get('/api/v1/tenant').expect(401);
  });

  it('opens nothing on a server that has none', async () => {
    const without = await startTestApp({ database: app.database, config: { PLATFORM_TOKEN: undefined } });
    const { body } = await asPlatform(without).get(TENANTS).expect(401);
    await without.close();
    expect(body.detail).toContain('started without PLATFORM_TOKEN');
  });
});

describe('a tenant', () => {
  it('is made with an owner who can log in and a key of all scopes, each secret shown once', async () => {
    const { body } = await create({ slug: 'acme', name: 'Acme', ownerEmail: 'Boss@Acme.example' }).expect(201);
    expect(body).toMatchObject({
      tenant: { slug: 'acme', name: 'Acme', settings: { own: [] } },
      owner: { email: 'boss@acme.example', password: expect.stringMatching(/^[A-Za-z0-9]{20}$/) },
      apiKey: expect.stringMatching(/^phk_/),
    });
    await request(app.url).post('/api/auth/login').send(body.owner).expect(200);
    const me = await as(app, body.apiKey).get('/api/auth/me').expect(200);
    expect(me.body.tenant.slug).toBe('acme');
    expect(me.body.scopes).toHaveLength(10);

    const ownerPassword = 'a password they chose';
    const chosen = await create({ slug: 'acme-2', name: 'A', ownerEmail: 'boss@acme.example', ownerPassword }).expect(
      201,
    );
    expect(chosen.body.owner).toEqual({ email: 'boss@acme.example' });
    const shown = await asPlatform(app).get(`${TENANTS}/${body.tenant.id}`).expect(200);
    expect(shown.body).toEqual(body.tenant);
  });

  it('has a slug of its own', async () => {
    const one = await createTenant(app, 'taken');
    const { body } = await create({ slug: 'taken', name: 'T', ownerEmail: 'x@y.example' }).expect(409);
    expect(body.detail).toContain('"taken"');
    const two = await createTenant(app, 'not-taken');
    await asPlatform(app).patch(`${TENANTS}/${two.id}`).send({ slug: 'taken' }).expect(409);
    const renamed = await asPlatform(app)
      .patch(`${TENANTS}/${two.id}`)
      .send({ slug: 'moved', name: 'Moved' })
      .expect(200);
    expect(renamed.body).toMatchObject({ id: two.id, slug: 'moved', name: 'Moved' });
    expect(one.slug).toBe('taken');
  });

  it('is listed in pages, newest first', async () => {
    const made = [await createTenant(app, 'page-1'), await createTenant(app, 'page-2')];
    const first = await asPlatform(app).get(`${TENANTS}?limit=1`).expect(200);
    const next = await asPlatform(app).get(`${TENANTS}?limit=1&cursor=${first.body.nextCursor}`).expect(200);
    expect([first.body.data[0].id, next.body.data[0].id]).toEqual([made[1]?.id, made[0]?.id]);
  });

  it.each([
    [{ slug: 'Bad Slug', name: 'x', ownerEmail: 'a@b.example' }, '/slug'],
    [{ slug: 'ok', name: '', ownerEmail: 'a@b.example' }, '/name'],
    [{ slug: 'ok', name: 'x', ownerEmail: 'nobody' }, '/ownerEmail'],
    [{ slug: 'ok', name: 'x', ownerEmail: 'a@b.example', ownerPassword: 'short' }, '/ownerPassword'],
  ])('is not made of %j', async (body, pointer) => {
    expect((await create(body).expect(422)).body.errors[0].pointer).toBe(pointer);
  });

  it('that does not exist is not found', async () => {
    for (const id of ['nonsense', '0190f0a0-0000-7000-8000-000000000000']) {
      await asPlatform(app).get(`${TENANTS}/${id}`).expect(404);
      await asPlatform(app).patch(`${TENANTS}/${id}`).send({ name: 'x' }).expect(404);
      await asPlatform(app).delete(`${TENANTS}/${id}`).expect(404);
    }
  });
});

describe('removing a tenant', () => {
  it('removes all it owns, in every table, but its audit log and its record of exports; and nothing of another tenant', async () => {
    const [gone, stays] = [await createTenant(app, 'gone'), await createTenant(app, 'stays')];
    for (const { id } of [gone, stays]) await fillTables(id);
    const subscription = { url: 'https://example.com/hook', eventTypes: ['*'] };
    await as(app, gone.apiKey).post('/api/v1/subscriptions').send(subscription).expect(201);
    const before = await rowsOf(stays.id);
    expect(Object.keys(before).sort()).toEqual(['tenants', ...(await tenantTables())].sort());

    await as(app, gone.apiKey).get('/api/auth/me').expect(200);
    await asPlatform(app).delete(`${TENANTS}/${gone.id}`).expect(204);

    expect(Object.keys(await rowsOf(gone.id)).sort()).toEqual(['audit_log', 'exports']);
    expect(await rowsOf(stays.id)).toEqual(before);
    await as(app, gone.apiKey).get('/api/auth/me').expect(401);
    await asPlatform(app).get(`${TENANTS}/${gone.id}`).expect(404);
    await as(app, stays.apiKey).get('/api/auth/me').expect(200);
    const audit = await app.prisma.auditEntry.findMany({
      where: { tenantId: gone.id, actorKind: { in: ['platform', 'api-key'] } },
      orderBy: { id: 'asc' },
    });
    expect(audit.map((entry) => [entry.action, entry.actorKind])).toEqual([
      ['tenant.created', 'platform'],
      ['subscription.created', 'api-key'],
      ['tenant.deleted', 'platform'],
    ]);
  });
});

/** Every table but the tenants' own, the rate limiter's counters and the migrations' has a tenant: new ones come under this test. */
async function tenantTables(): Promise<string[]> {
  const rows = await app.database.query<{ name: string }>(`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE'
      and table_name not in ('tenants', 'rate_limits', '_prisma_migrations')`);
  return rows.map((row) => row.name);
}

const HIGH_VOLUME = ['events', 'deliveries', 'attempts', 'integration_events'];
const VALUE_OF_TYPE: Record<string, string> = {
  uuid: 'gen_random_uuid()',
  text: `'x' || n || '-' || gen_random_uuid()`,
  bool: 'true',
  timestamptz: 'now()',
  bytea: `decode(replace(gen_random_uuid()::text, '-', ''), 'hex')`,
  jsonb: `'{}'`,
};

/** Rows in every table of a tenant, in the large ones more than are removed at once; whatever the columns are. */
async function fillTables(tenantId: string): Promise<void> {
  const inserts: string[] = [];
  for (const table of await tenantTables()) {
    const columns = await app.database.query<{ name: string; type: string; kind: string }>(
      `select column_name as name, udt_name as type, data_type as kind from information_schema.columns
       where table_schema = 'public' and table_name = $1 and is_nullable = 'NO' and column_default is null`,
      [table],
    );
    const values = columns.map(({ name, type, kind }) => {
      if (name === 'tenant_id') return `'${tenantId}'`;
      if (kind === 'USER-DEFINED') return `(enum_range(null::${type}))[1]`;
      return kind === 'ARRAY' ? `'{}'` : (VALUE_OF_TYPE[type] ?? '1');
    });
    const rows = HIGH_VOLUME.includes(table) ? 6000 : 3;
    const names = columns.map(({ name }) => name).join(', ');
    inserts.push(`insert into ${table} (${names}) select ${values.join(', ')} from generate_series(1, ${rows}) n`);
  }
  // As a replica, so that a row may name another that does not exist.
  await app.database.query(`begin; set local session_replication_role = replica; ${inserts.join(';')}; commit`);
}

/** How many rows a tenant has, by table; tables without any are left out. */
async function rowsOf(tenantId: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of ['tenants', ...(await tenantTables())]) {
    const column = table === 'tenants' ? 'id' : 'tenant_id';
    const [row] = await app.database.query<{ count: number }>(
      `select count(*)::int as count from ${table} where ${column} = $1`,
      [tenantId],
    );
    if (row && row.count > 0) counts[table] = row.count;
  }
  return counts;
}
