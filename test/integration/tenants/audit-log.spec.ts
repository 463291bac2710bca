import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../support/app.js';
import { TestClock } from '../../support/test-clock.js';
import { addMember, as, createKey, createTenant, logIn, type Tenancy } from './tenancy.js';

const clock = new TestClock();
let app: TestApp;
let tenant: Tenancy;
let owner: string;
let ownerId: string;
beforeAll(async () => {
  app = await startTestApp({ clock });
  tenant = await createTenant(app, 'audited');
  owner = await logIn(app, tenant.owner);
  ownerId = (await as(app, owner).get('/api/auth/me')).body.id;
});
afterAll(() => app.close());

interface Entry {
  action: string;
  actor: { kind: string; id: string; name: string };
  target: { kind: string; id: string | null };
  details: Record<string, unknown>;
  ip: string;
  requestId: string;
  createdAt: string;
}
/** Moves the clock, so that what follows can be told from what was. */
function laterOn(): string {
  clock.advance({ seconds: 1 });
  return clock.now().toISOString();
}

const entries = async (query = ''): Promise<Entry[]> =>
  (await as(app, owner).get(`/api/v1/audit-log${query}`).expect(200)).body.data;

describe('the audit log', () => {
  it('has every act with who, what, where and when, before the act is answered', async () => {
    const made = await createKey(app, owner, ['events:read']);
    const [entry] = await entries();
    expect(entry).toEqual({
      id: expect.any(String),
      actor: { kind: 'member', id: ownerId, name: tenant.owner.email },
      action: 'api_key.created',
      target: { kind: 'api_key', id: made.id },
      details: { fields: ['name', 'scopes'] },
      ip: '127.0.0.1',
      requestId: expect.any(String),
      createdAt: clock.now().toISOString(),
    });
  });

  it('has one entry for each kind of act', async () => {
    const since = laterOn();
    const key = await createKey(app, owner, ['events:read']);
    await as(app, owner).patch(`/api/v1/api-keys/${key.id}`).send({ name: 'renamed' }).expect(200);
    await as(app, owner).post(`/api/v1/api-keys/${key.id}/rotate`).expect(201);
    await as(app, owner).delete(`/api/v1/api-keys/${key.id}`).expect(204);
    const member = await addMember(app, owner, 'viewer', 'seen@example.com');
    await as(app, owner).patch(`/api/v1/members/${member.id}`).send({ name: 'Seen' }).expect(200);
    await as(app, owner).delete(`/api/v1/members/${member.id}`).expect(204);
    await as(app, owner)
      .patch('/api/v1/tenant')
      .send({ settings: { retentionDays: 9 } })
      .expect(200);
    const acts = (await entries(`?since=${since}`)).map(({ action, target }) => [action, target.id]).reverse();
    expect(acts).toEqual([
      ['api_key.created', key.id],
      ['api_key.updated', key.id],
      ['api_key.rotated', key.id],
      ['api_key.revoked', key.id],
      ['member.created', member.id],
      ['member.logged_in', member.id],
      ['member.updated', member.id],
      ['member.deleted', member.id],
      ['tenant.updated', tenant.id],
    ]);
  });

  it('has logins, refused ones of existing members, and logouts', async () => {
    const since = laterOn();
    const wrong = { ...tenant.owner, password: 'wrong' };
    await request(app.url).post('/api/auth/login').send(wrong).expect(401);
    await request(app.url).post('/api/auth/login').send({ email: 'nobody@example.com', password: 'x' }).expect(401);
    await as(app, await logIn(app, tenant.owner))
      .post('/api/auth/logout')
      .expect(204);
    const found = await entries(`?since=${since}`);
    expect(found.map((entry) => [entry.action, entry.actor.id, entry.ip])).toEqual([
      ['member.logged_out', ownerId, '127.0.0.1'],
      ['member.logged_in', ownerId, '127.0.0.1'],
      ['member.login_failed', ownerId, '127.0.0.1'],
    ]);
  });

  it('has no entry for an act that was refused, nor for looking', async () => {
    const before = await entries();
    await as(app, owner).post('/api/v1/api-keys').send({ name: 'x', scopes: [] }).expect(422);
    await as(app, owner).delete('/api/v1/api-keys/0190f0a0-0000-7000-8000-000000000000').expect(404);
    await as(app, owner).get('/api/v1/api-keys').expect(200);
    expect(await entries()).toEqual(before);
  });

  it('notes X-Admin-ID, and holds no secret', async () => {
    const password = 'a password nobody may read';
    const email = 'secretive@example.com';
    await as(app, owner)
      .post('/api/v1/members')
      .set('X-Admin-ID', tenant.owner.email)
      .send({ email, role: 'viewer', password })
      .expect(201);
    const key = await createKey(app, owner, ['events:read']);
    const all = JSON.stringify(await entries('?limit=200'));
    expect((await entries('?action=member.created'))[0]?.details).toEqual({
      fields: ['email', 'role', 'password'],
      adminId: tenant.owner.email,
    });
    expect(all).not.toContain(password);
    expect(all).not.toContain(key.key.split('_')[2]);
  });

  it('is filtered by action, actor and time, in pages, newest first', async () => {
    const start = laterOn();
    const byKey = await createKey(app, tenant.apiKey, ['events:read']);
    clock.advance({ minutes: 1 });
    const middle = clock.now().toISOString();
    const byOwner = await createKey(app, owner, ['events:read']);
    const targets = async (query: string) => (await entries(query)).map((entry) => entry.target.id);

    expect(await targets(`?since=${start}`)).toEqual([byOwner.id, byKey.id]);
    expect(await targets(`?since=${start}&until=${middle}`)).toEqual([byKey.id]);
    expect(await targets(`?since=${start}&actor=${ownerId}`)).toEqual([byOwner.id]);
    expect(await targets(`?since=${start}&actor=${encodeURIComponent(tenant.owner.email)}`)).toEqual([byOwner.id]);
    expect(await targets(`?since=${start}&action=member.created`)).toEqual([]);
    const { body } = await as(app, owner).get(`/api/v1/audit-log?since=${start}&limit=1`).expect(200);
    expect(await targets(`?since=${start}&limit=1&cursor=${body.nextCursor}`)).toEqual([byKey.id]);
    await as(app, owner).get('/api/v1/audit-log?since=yesterday').expect(422);
    await as(app, owner).get('/api/v1/audit-log?cursor=zzz').expect(422);
  });

  it('is the tenant’s own, and needs the scope admin', async () => {
    const { body } = await as(app, app.apiKey).get('/api/v1/audit-log?limit=200').expect(200);
    expect(body.data.filter((entry: Entry) => entry.actor.id === ownerId)).toEqual([]);
    const { key } = await createKey(app, owner, ['events:read']);
    await as(app, key).get('/api/v1/audit-log').expect(403);
  });
});
