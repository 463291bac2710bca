import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PasswordHasher } from '../../../src/tenants/password-hasher.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { TestClock } from '../../support/test-clock.js';
import { addMember, as, createTenant, logIn } from './tenancy.js';

const clock = new TestClock();
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ clock, config: { SESSION_HOURS: '2' } });
});
afterAll(() => app.close());

const login = (body: object) => request(app.url).post('/api/auth/login').send(body);

describe('login', () => {
  it('gives a token that says who one is, in the shapes of the contract', async () => {
    const { body } = await login(app.owner).expect(200);
    expect(body).toEqual({
      token: expect.stringMatching(/^phs_[A-Za-z0-9_-]{43}$/),
      expires_at: '2026-03-01T14:00:00.000Z',
      tenant_id: app.tenant.id,
      member: { id: expect.any(String), email: app.owner.email, name: app.owner.email, role: 'owner' },
    });
    const me = await as(app, body.token).get('/api/auth/me').expect(200);
    expect(me.body).toMatchObject({
      id: body.member.id,
      email: app.owner.email,
      role: 'owner',
      tenant_id: app.tenant.id,
      tenant: { id: app.tenant.id, slug: 'default', name: 'default' },
      scopes: expect.arrayContaining(['admin', 'events:write']),
    });
  });

  it('does not tell an unknown e-mail from a wrong password, and hashes once for each', async () => {
    const hasher = app.app.get(PasswordHasher);
    const known = vi.spyOn(hasher, 'verify');
    const nobody = vi.spyOn(hasher, 'verifyNobody');
    const wrong = await login({ email: app.owner.email, password: 'wrong' }).expect(401);
    expect([known.mock.calls.length, nobody.mock.calls.length]).toEqual([1, 0]);
    const unknown = await login({ email: 'nobody@example.com', password: 'wrong' }).expect(401);
    const otherTenant = await login({ ...app.owner, tenant: 'no-such-tenant' }).expect(401);
    expect([known.mock.calls.length, nobody.mock.calls.length]).toEqual([1, 2]);
    vi.restoreAllMocks();

    const same = ({ requestId, ...rest }: Record<string, unknown>) => rest;
    expect(same(unknown.body)).toEqual(same(wrong.body));
    expect(same(otherTenant.body)).toEqual(same(wrong.body));
    expect(wrong.body.code).toBe('invalid_login');
  });

  it('takes the e-mail in any case', async () => {
    await login({ email: '  OWNER@Example.com ', password: app.owner.password }).expect(200);
  });

  it('stores neither token nor password in the clear', async () => {
    const token = await logIn(app, app.owner);
    const [row] = await app.database.query<{ all: string }>(
      `select (select string_agg(to_jsonb(s)::text, '') from sessions s) || (select string_agg(to_jsonb(m)::text, '') from members m) as all`,
    );
    expect(row?.all).not.toContain(token.slice(4));
    expect(row?.all).not.toContain(app.owner.password);
    expect(row?.all).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
  });

  it('asks for the tenant only when the password fits members of several', async () => {
    const [one, two] = [
      await createTenant(app, 'one', 'both@example.com'),
      await createTenant(app, 'two', 'both@example.com'),
    ];
    const inOne = await login(one.owner).expect(200);
    expect(inOne.body.tenant_id).toBe(one.id);

    await app.prisma.member.updateMany({
      where: { tenantId: two.id },
      data: { passwordHash: (await app.prisma.member.findFirstOrThrow({ where: { tenantId: one.id } })).passwordHash },
    });
    const several = await login(one.owner).expect(422);
    expect(several.body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/tenant' }] });
    expect(several.body.detail).toContain('one, two');
    expect((await login({ ...one.owner, password: 'wrong' }).expect(401)).body.code).toBe('invalid_login');

    expect((await login({ ...one.owner, tenant: 'two' }).expect(200)).body.tenant_id).toBe(two.id);
    expect((await login({ ...one.owner, tenant: one.id }).expect(200)).body.tenant_id).toBe(one.id);
  });

  it('names the fields of a body that is not a login', async () => {
    const { body } = await login({ email: 'x' }).expect(422);
    expect(body.errors).toEqual([{ pointer: '/password', detail: expect.any(String) }]);
  });
});

describe('sessions', () => {
  it('end when their time is over', async () => {
    const token = await logIn(app, app.owner);
    clock.advance({ hours: 1, minutes: 59 });
    await as(app, token).get('/api/auth/me').expect(200);
    clock.advance({ minutes: 1 });
    const { body } = await as(app, token).get('/api/auth/me').expect(401);
    expect(body.detail).toMatch(/^This session expired at 2026-03-01T14:00:00.000Z\. Log in again/);
  });

  it('end at logout, at once, and no other does', async () => {
    const [leaving, staying] = [await logIn(app, app.owner), await logIn(app, app.owner)];
    await as(app, leaving).get('/api/auth/me').expect(200);
    await as(app, leaving).post('/api/auth/logout').expect(204);
    const { body } = await as(app, leaving).get('/api/auth/me').expect(401);
    expect(body.detail).toBe('This session was ended. Log in again.');
    await as(app, staying).get('/api/auth/me').expect(200);
  });

  it('are nothing an API key could end', async () => {
    const { body } = await as(app, app.apiKey).post('/api/auth/logout').expect(403);
    expect(body.detail).toContain('DELETE /api/v1/api-keys/{id}');
  });
});

describe('one’s own name and password', () => {
  it('can be changed by any member; a new password needs the old one and ends the other sessions', async () => {
    const viewer = await addMember(app, await logIn(app, app.owner), 'viewer');
    const elsewhere = await logIn(app, viewer);
    const patch = (body: object) => as(app, viewer.token).patch('/api/auth/me').send(body);

    expect((await patch({ name: 'Vera' }).expect(200)).body.name).toBe('Vera');
    const refused = await patch({ password: 'a new long password', current_password: 'wrong' }).expect(422);
    expect(refused.body.errors[0].pointer).toBe('/current_password');
    await patch({ password: 'short', current_password: viewer.password }).expect(422);

    await patch({ password: 'a new long password', current_password: viewer.password }).expect(200);
    await as(app, viewer.token).get('/api/auth/me').expect(200);
    await as(app, elsewhere).get('/api/auth/me').expect(401);
    await login({ email: viewer.email, password: viewer.password }).expect(401);
    await login({ email: viewer.email, password: 'a new long password' }).expect(200);
  });
});

describe('null', () => {
  it('is refused where it says nothing, as a field and as a whole body', async () => {
    const field = await login({ ...app.owner, tenant: null }).expect(422);
    expect(field.body.errors[0].pointer).toBe('/tenant');
    const token = await logIn(app, app.owner);
    const body = await as(app, token)
      .patch('/api/auth/me')
      .set('content-type', 'application/json')
      .send('null')
      .expect(422);
    expect(body.body.detail).toContain('The body is null');
    await as(app, token).patch('/api/auth/me').send({ name: null }).expect(422);
  });
});
