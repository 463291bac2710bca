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
  it('removes all it owns, in every table, but its audit log; and nothing of another tenant', async () => {
    const [gone, stays] = [await createTenant(app, 'gone'), await createTenant(app, 'stays')];
    // More rows than are removed at once.
    const fill = `
      insert into events (id, tenant_id, type, data, occurred_at, created_at)
        select gen_random_uuid(), $1, 'a.b', '{}', now(), now() from generate_series(1, 12000);
      insert into deliveries (id, tenant_id, event_id, subscription_id, created_at)
        select gen_random_uuid(), $1, gen_random_uuid(), gen_random_uuid(), now() from generate_series(1, 6000);
      insert into attempts (id, tenant_id, delivery_id, number, sent_at, duration_ms, outcome, request_headers)
        select gen_random_uuid(), $1, gen_random_uuid(), 1, now(), 1, 'delivered', '{}' from generate_series(1, 6000);
      insert into integration_events (id, tenant_id, source, event_name, payload, headers, received_at)
        select gen_random_uuid(), $1, 's', 'e', '{}', '{}', now() from generate_series(1, 6000);
      insert into idempotency_keys (tenant_id, key, request_hash) values ($1, 'k', '');
      insert into event_types (id, tenant_id, name, updated_at) values (gen_random_uuid(), $1, 'a.b', now())`;
    for (const { id, apiKey } of [gone, stays]) {
      for (const statement of fill.replaceAll('$1', `'${id}'`).split(';')) await app.database.query(statement);
      const subscription = { url: 'https://example.com/hook', eventTypes: ['*'] };
      await as(app, apiKey).post('/api/v1/subscriptions').send(subscription).expect(201);
    }
    const before = await rowsOf(stays.id);
    expect(Object.keys(before)).toEqual(
      expect.arrayContaining(['subscriptions', 'members', 'attempts', 'event_types']),
    );

    await as(app, gone.apiKey).get('/api/auth/me').expect(200);
    await asPlatform(app).delete(`${TENANTS}/${gone.id}`).expect(204);

    expect(Object.keys(await rowsOf(gone.id))).toEqual(['audit_log']);
    expect(await rowsOf(stays.id)).toEqual(before);
    await as(app, gone.apiKey).get('/api/auth/me').expect(401);
    await asPlatform(app).get(`${TENANTS}/${gone.id}`).expect(404);
    await as(app, stays.apiKey).get('/api/auth/me').expect(200);
    const audit = await app.prisma.auditEntry.findMany({ where: { tenantId: gone.id }, orderBy: { id: 'asc' } });
    expect(audit.map((entry) => [entry.action, entry.actorKind])).toEqual([
      ['tenant.created', 'platform'],
      ['subscription.created', 'api-key'],
      ['tenant.deleted', 'platform'],
    ]);
  });
});

/** How many rows a tenant has, by table; tables without any are left out. */
async function rowsOf(tenantId: string): Promise<Record<string, number>> {
  const tables = await app.database.query<{ name: string; column: string }>(`
    select table_name as name, case table_name when 'tenants' then 'id' else 'tenant_id' end as column
    from information_schema.columns where table_schema = 'public' and (column_name = 'tenant_id' or (table_name = 'tenants' and column_name = 'id'))`);
  const counts: Record<string, number> = {};
  for (const { name, column } of tables) {
    const [row] = await app.database.query<{ count: number }>(
      `select count(*)::int as count from "${name}" where ${column} = $1`,
      [tenantId],
    );
    if (row && row.count > 0) counts[name] = row.count;
  }
  return counts;
}
