import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../support/app.js';
import { addMember, as, createKey, createTenant, logIn, slowDownCommits } from './tenancy.js';

let app: TestApp;
let owner: string;
let ownerId: string;
beforeAll(async () => {
  app = await startTestApp();
  owner = await logIn(app, app.owner);
  ownerId = (await as(app, owner).get('/api/auth/me')).body.id;
});
afterAll(() => app.close());

const login = (email: string, password: string) => request(app.url).post('/api/auth/login').send({ email, password });
const patch = (token: string, id: string, body: object) => as(app, token).patch(`/api/v1/members/${id}`).send(body);

describe('a member', () => {
  it('is made with a password that was chosen, or one that is generated and shown once', async () => {
    const chosen = await as(app, owner)
      .post('/api/v1/members')
      .send({ email: 'Chosen@Example.com', name: 'Chosen', role: 'developer', password: 'a chosen password' })
      .expect(201);
    expect(chosen.body).toMatchObject({ email: 'chosen@example.com', name: 'Chosen', role: 'developer' });
    expect(chosen.body).not.toHaveProperty('password');
    expect(JSON.stringify(chosen.body)).not.toContain('argon2');
    await login('chosen@example.com', 'a chosen password').expect(200);

    const generated = await as(app, owner)
      .post('/api/v1/members')
      .send({ email: 'generated@example.com', role: 'viewer' })
      .expect(201);
    await login('generated@example.com', generated.body.password).expect(200);
    const shown = await as(app, owner).get(`/api/v1/members/${generated.body.id}`).expect(200);
    expect(shown.body).not.toHaveProperty('password');
  });

  it('has an e-mail that no other member of the tenant has', async () => {
    const first = await addMember(app, owner, 'viewer', 'first@example.com');
    const second = await addMember(app, owner, 'viewer', 'second@example.com');
    const again = { email: 'FIRST@example.com', role: 'viewer' };
    const { body } = await as(app, owner).post('/api/v1/members').send(again).expect(409);
    expect(body.detail).toContain('first@example.com');
    await patch(owner, second.id, { email: first.email }).expect(409);
    const other = await createTenant(app, 'same-email');
    await as(app, other.apiKey).post('/api/v1/members').send(again).expect(201);
  });

  it('loses rights at once when the role changes, and all access when removed', async () => {
    const admin = await addMember(app, owner, 'admin', 'falling@example.com');
    await as(app, admin.token).get('/api/v1/members').expect(200);
    await patch(owner, admin.id, { role: 'viewer' }).expect(200);
    await as(app, admin.token).get('/api/v1/members').expect(403);
    await as(app, owner).delete(`/api/v1/members/${admin.id}`).expect(204);
    await as(app, admin.token).get('/api/auth/me').expect(401);
    await as(app, owner).get(`/api/v1/members/${admin.id}`).expect(404);
  });

  it('is logged out everywhere by a new password', async () => {
    const member = await addMember(app, owner, 'developer', 'forgot@example.com');
    await as(app, member.token).get('/api/auth/me').expect(200);
    await patch(owner, member.id, { password: 'another password' }).expect(200);
    await as(app, member.token).get('/api/auth/me').expect(401);
    await login(member.email, member.password).expect(401);
    await login(member.email, 'another password').expect(200);
  });

  it('of another tenant does not exist', async () => {
    const other = await createTenant(app, 'strangers');
    const member = await addMember(app, owner, 'viewer', 'ours@example.com');
    const them = as(app, await logIn(app, other.owner));
    await them.get(`/api/v1/members/${member.id}`).expect(404);
    await them.patch(`/api/v1/members/${member.id}`).send({ name: 'x' }).expect(404);
    await them.delete(`/api/v1/members/${member.id}`).expect(404);
    const { body } = await them.get('/api/v1/members').expect(200);
    expect(body.data.map((row: { email: string }) => row.email)).toEqual([other.owner.email]);
    await as(app, member.token).get('/api/auth/me').expect(200);
  });
});

describe('owners', () => {
  it('are made, changed and removed by owners only', async () => {
    const admin = await addMember(app, owner, 'admin', 'ambitious@example.com');
    const colleague = await addMember(app, owner, 'viewer', 'colleague@example.com');
    for (const token of [admin.token, app.apiKey]) {
      const made = await as(app, token)
        .post('/api/v1/members')
        .send({ email: 'new@example.com', role: 'owner' })
        .expect(403);
      expect(made.body.detail).toContain('Only an owner, logged in');
      await patch(token, ownerId, { password: 'a password of mine' }).expect(403);
      await patch(token, colleague.id, { role: 'owner' }).expect(403);
      await as(app, token).delete(`/api/v1/members/${ownerId}`).expect(403);
    }
    await patch(admin.token, admin.id, { role: 'owner' }).expect(403);
    await patch(owner, admin.id, { role: 'owner' }).expect(200);
    await patch(owner, admin.id, { role: 'admin' }).expect(200);
  });

  it('are never less than one', async () => {
    expect((await patch(owner, ownerId, { role: 'admin' }).expect(409)).body.detail).toContain('last owner');
    await as(app, owner).delete(`/api/v1/members/${ownerId}`).expect(409);
    await as(app, owner).get('/api/v1/members').expect(200);
  });

  it('do not lose the last one when two step down at the same time', async () => {
    const tenant = await createTenant(app, 'duel');
    const one = await logIn(app, tenant.owner);
    const oneId = (await as(app, one).get('/api/auth/me')).body.id;
    const two = await addMember(app, one, 'owner', 'two@duel.example');
    const undo = await slowDownCommits(app, 'members');
    const answers = await Promise.all([
      patch(one, oneId, { role: 'viewer' }),
      patch(two.token, two.id, { role: 'viewer' }),
    ]);
    await undo();
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409]);
    expect(await app.prisma.member.count({ where: { tenantId: tenant.id, role: 'owner' } })).toBe(1);
  });
});

it('nobody manages a member who may do more than himself', async () => {
  const admin = await addMember(app, owner, 'admin', 'mighty@example.com');
  const viewer = await addMember(app, owner, 'viewer', 'mild@example.com');
  const narrow = await createKey(app, owner, ['admin', 'events:read']);
  const { body } = await patch(narrow.key, admin.id, { password: 'now it is mine' }).expect(403);
  expect(body.detail).toContain('events:write');
  await as(app, narrow.key).post('/api/v1/members').send({ email: 'me@example.com', role: 'developer' }).expect(403);
  await patch(narrow.key, viewer.id, { role: 'admin' }).expect(403);
  await as(app, admin.token).get('/api/auth/me').expect(200);
});

it('says what is wrong with a member', async () => {
  const { body } = await as(app, owner)
    .post('/api/v1/members')
    .send({ email: 'nobody', role: 'king', password: 'short', admin: true })
    .expect(422);
  const pointers = body.errors.map((error: { pointer: string }) => error.pointer);
  expect(pointers.sort()).toEqual(['/admin', '/email', '/password', '/role']);
  await as(app, owner).get('/api/v1/members/not-an-id').expect(404);
  await patch(owner, 'not-an-id', { name: 'x' }).expect(404);
});
