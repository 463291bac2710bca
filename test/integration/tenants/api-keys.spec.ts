import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LastUsedRecorder } from '../../../src/tenants/last-used-recorder.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { TestClock } from '../../support/test-clock.js';
import { as, createKey, createTenant, logIn } from './tenancy.js';

const clock = new TestClock();
let app: TestApp;
let owner: string;
beforeAll(async () => {
  app = await startTestApp({ clock });
  owner = await logIn(app, app.owner);
});
afterAll(() => app.close());

const works = (key: string) => as(app, key).get('/api/auth/me');

describe('an API key', () => {
  it('is shown when it is made and never again, and only its hash is stored', async () => {
    const made = await createKey(app, owner, ['events:write', 'events:read']);
    expect(made).toMatchObject({
      key: expect.stringMatching(/^phk_[a-z0-9]{12}_[A-Za-z0-9]{43}$/),
      scopes: ['events:write', 'events:read'],
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
    });
    expect(made.key.split('_')[1]).toBe(made.publicId);
    const secret = made.key.split('_')[2] as string;

    const one = await as(app, owner).get(`/api/v1/api-keys/${made.id}`).expect(200);
    const list = await as(app, owner).get('/api/v1/api-keys').expect(200);
    expect(one.body).not.toHaveProperty('key');
    expect(list.body.data[0].id).toBe(made.id);
    expect(JSON.stringify([one.body, list.body])).not.toContain(secret);
    const rows = await app.database.query<{ row: string }>('select to_jsonb(k)::text as row from api_keys k');
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.filter(({ row }) => row.includes(secret))).toEqual([]);
    expect((await works(made.key).expect(200)).body).toMatchObject({ id: made.id, email: null, role: null });
  });

  it('can be renamed, and nothing else about it changed', async () => {
    const { id, key } = await createKey(app, owner, ['events:read']);
    const renamed = await as(app, owner).patch(`/api/v1/api-keys/${id}`).send({ name: 'n8n' }).expect(200);
    expect(renamed.body).toMatchObject({ id, name: 'n8n', scopes: ['events:read'] });
    const { body } = await as(app, owner)
      .patch(`/api/v1/api-keys/${id}`)
      .send({ name: 'x', scopes: ['admin'] })
      .expect(422);
    expect(body.errors[0].pointer).toBe('/scopes');
    await works(key).expect(200);
  });

  it('stops working when its time is over', async () => {
    const expiresAt = new Date(clock.now().getTime() + 3600_000).toISOString();
    const { key } = await createKey(app, owner, ['events:read'], { expiresAt });
    clock.advance({ minutes: 59 });
    await works(key).expect(200);
    clock.advance({ minutes: 1 });
    expect((await works(key).expect(401)).body.detail).toContain(`This API key expired at ${expiresAt}`);
  });

  it('stops working at once when it is revoked, and stays in the list', async () => {
    const { id, key } = await createKey(app, owner, ['events:read']);
    await works(key).expect(200);
    await as(app, owner).delete(`/api/v1/api-keys/${id}`).expect(204);
    expect((await works(key).expect(401)).body.detail).toMatch(/This API key was revoked at/);
    const { body } = await as(app, owner).get(`/api/v1/api-keys/${id}`).expect(200);
    expect(body.revokedAt).toBe(clock.now().toISOString());
    await as(app, owner).delete(`/api/v1/api-keys/${id}`).expect(204);
  });

  it('notes its last use, once a minute at most', async () => {
    const recorder = app.app.get(LastUsedRecorder);
    const { id, key } = await createKey(app, owner, ['events:read']);
    const lastUsedAt = async () => {
      await recorder.flush();
      return (await as(app, owner).get(`/api/v1/api-keys/${id}`).expect(200)).body.lastUsedAt;
    };
    expect(await lastUsedAt()).toBeNull();
    const first = clock.now().toISOString();
    await works(key).expect(200);
    expect(await lastUsedAt()).toBe(first);
    clock.advance({ seconds: 59 });
    await works(key).expect(200);
    expect(await lastUsedAt()).toBe(first);
    clock.advance({ seconds: 2 });
    await works(key).expect(200);
    expect(await lastUsedAt()).toBe(clock.now().toISOString());
  });
});

describe('rotation', () => {
  it('gives a new key with the same scopes, and the old one works until the overlap is over', async () => {
    const old = await createKey(app, owner, ['events:write', 'data:read']);
    const { body: fresh } = await as(app, owner)
      .post(`/api/v1/api-keys/${old.id}/rotate`)
      .send({ overlapSeconds: 600 })
      .expect(201);
    expect(fresh).toMatchObject({ scopes: ['events:write', 'data:read'], expiresAt: null });
    expect(fresh.id).not.toBe(old.id);
    await works(fresh.key).expect(200);
    await works(old.key).expect(200);
    const { body: replaced } = await as(app, owner).get(`/api/v1/api-keys/${old.id}`).expect(200);
    expect(replaced.replacedBy).toBe(fresh.id);
    clock.advance({ seconds: 599 });
    await works(old.key).expect(200);
    clock.advance({ seconds: 1 });
    await works(old.key).expect(401);
    await works(fresh.key).expect(200);
  });

  it('without an overlap ends the old key at once', async () => {
    const old = await createKey(app, owner, ['events:read']);
    await works(old.key).expect(200);
    const { body: fresh } = await as(app, owner).post(`/api/v1/api-keys/${old.id}/rotate`).expect(201);
    await works(old.key).expect(401);
    await works(fresh.key).expect(200);
  });

  it('never lengthens the life of the old key', async () => {
    const expiresAt = new Date(clock.now().getTime() + 60_000).toISOString();
    const old = await createKey(app, owner, ['events:read'], { expiresAt });
    await as(app, owner).post(`/api/v1/api-keys/${old.id}/rotate`).send({ overlapSeconds: 3600 }).expect(201);
    clock.advance({ seconds: 61 });
    await works(old.key).expect(401);
  });

  it('happens once: of two at the same time one gets a conflict, and so do revoked keys', async () => {
    const old = await createKey(app, owner, ['events:read']);
    const rotate = () => as(app, owner).post(`/api/v1/api-keys/${old.id}/rotate`).send({ overlapSeconds: 60 });
    const answers = await Promise.all([rotate(), rotate()]);
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409]);
    expect((await rotate().expect(409)).body.detail).toContain('was rotated already');

    const revoked = await createKey(app, owner, ['events:read']);
    await as(app, owner).delete(`/api/v1/api-keys/${revoked.id}`).expect(204);
    const { body } = await as(app, owner).post(`/api/v1/api-keys/${revoked.id}/rotate`).expect(409);
    expect(body.detail).toContain('was revoked');
  });
});

describe('nobody', () => {
  it('grants a scope he does not have, by making or by rotating a key', async () => {
    const narrow = await createKey(app, owner, ['admin', 'events:read']);
    const wide = await createKey(app, owner, ['admin', 'events:write']);
    const make = (scopes: string[]) => as(app, narrow.key).post('/api/v1/api-keys').send({ name: 'mine', scopes });
    const { body } = await make(['events:read', 'data:write', 'exports:read']).expect(403);
    expect(body).toMatchObject({ code: 'missing_scope', detail: expect.stringContaining('data:write, exports:read') });
    await make(['admin', 'events:read']).expect(201);
    await as(app, narrow.key).post(`/api/v1/api-keys/${wide.id}/rotate`).expect(403);
    await works(wide.key).expect(200);
  });

  it('sees, changes, rotates or revokes a key of another tenant', async () => {
    const other = await createTenant(app, 'other');
    const { id, key } = await createKey(app, owner, ['events:read']);
    const them = as(app, other.apiKey);
    await them.get(`/api/v1/api-keys/${id}`).expect(404);
    await them.patch(`/api/v1/api-keys/${id}`).send({ name: 'mine' }).expect(404);
    await them.post(`/api/v1/api-keys/${id}/rotate`).expect(404);
    await them.delete(`/api/v1/api-keys/${id}`).expect(404);
    const { body } = await them.get('/api/v1/api-keys').expect(200);
    expect(body.data.map((row: { name: string }) => row.name)).toEqual(['First key']);
    await works(key).expect(200);
  });
});

it('says what is wrong with a request for a key', async () => {
  const make = (body: object) => as(app, owner).post('/api/v1/api-keys').send(body).expect(422);
  const pointers = async (body: object) => (await make(body)).body.errors.map((e: { pointer: string }) => e.pointer);
  expect(await pointers({})).toEqual(['/name', '/scopes']);
  expect(await pointers({ name: 'x', scopes: ['events:delete'] })).toEqual(['/scopes']);
  expect(await pointers({ name: 'x', scopes: [] })).toEqual(['/scopes']);
  expect(await pointers({ name: 'x', scopes: ['admin'], expiresAt: 'tomorrow' })).toEqual(['/expiresAt']);
  expect(await pointers({ name: 'x', scopes: ['admin'], expiresAt: '2020-01-01T00:00:00Z' })).toEqual(['/expiresAt']);
  await as(app, owner).get('/api/v1/api-keys/not-an-id').expect(404);
});

it('lists keys in pages, newest first', async () => {
  const { slug, apiKey } = await createTenant(app, 'pages');
  const made: string[] = [];
  for (let i = 0; i < 4; i++) made.unshift((await createKey(app, apiKey, ['events:read'])).id);
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: { body: { data: { id: string }[]; nextCursor: string | null } } = await as(app, apiKey)
      .get(`/api/v1/api-keys?limit=2${cursor && `&cursor=${cursor}`}`)
      .expect(200);
    expect(page.body.data.length).toBeLessThanOrEqual(2);
    seen.push(...page.body.data.map((row) => row.id));
    cursor = page.body.nextCursor;
  }
  expect(slug).toBe('pages');
  expect(seen.slice(0, 4)).toEqual(made);
  expect(seen).toHaveLength(5);
});
