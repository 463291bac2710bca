import request from 'supertest';
import { PLATFORM_TOKEN, type TestApp } from '../../support/app.js';

/** Requests with a session token or API key as bearer. */
export function as(app: TestApp, token: string) {
  return request.agent(app.url).auth(token, { type: 'bearer' });
}

export function asPlatform(app: TestApp) {
  return as(app, PLATFORM_TOKEN);
}

export interface Tenancy {
  id: string;
  slug: string;
  apiKey: string;
  owner: { email: string; password: string };
}

/** Another tenant of the same installation. */
export async function createTenant(app: TestApp, slug: string, ownerEmail = `owner@${slug}.example`): Promise<Tenancy> {
  const password = `password of ${slug}`;
  const { body } = await asPlatform(app)
    .post('/api/v1/platform/tenants')
    .send({ slug, name: `Tenant ${slug}`, ownerEmail, ownerPassword: password })
    .expect(201);
  return { id: body.tenant.id, slug, apiKey: body.apiKey, owner: { email: ownerEmail, password } };
}

/** A session token. */
export async function logIn(app: TestApp, { email, password }: { email: string; password: string }): Promise<string> {
  const { body } = await request(app.url).post('/api/auth/login').send({ email, password }).expect(200);
  return body.token;
}

/** A member with that role, logged in. */
export async function addMember(app: TestApp, byToken: string, role: string, email = `${role}@members.example`) {
  const { body } = await as(app, byToken).post('/api/v1/members').send({ email, role }).expect(201);
  return {
    id: body.id as string,
    email,
    token: await logIn(app, { email, password: body.password }),
    password: body.password as string,
  };
}

/** An API key with these scopes. */
export async function createKey(app: TestApp, byToken: string, scopes: string[], more: Record<string, unknown> = {}) {
  const { body } = await as(app, byToken)
    .post('/api/v1/api-keys')
    .send({ name: scopes.join(' '), scopes, ...more })
    .expect(201);
  return body as { id: string; publicId: string; key: string; scopes: string[]; expiresAt: string | null };
}

/** Makes commits that changed the table slow, so that requests sent together are at it together. @returns what undoes it */
export async function slowDownCommits(app: TestApp, table: string): Promise<() => Promise<void>> {
  await app.database.query(`
    create or replace function slow_down() returns trigger language plpgsql as
    $$ begin perform pg_sleep(0.3); return null; end $$`);
  await app.database.query(`
    create constraint trigger slow after update on ${table}
    deferrable initially deferred for each row execute function slow_down()`);
  return async () => {
    await app.database.query(`drop trigger slow on ${table}`);
  };
}
