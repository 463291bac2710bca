import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../support/app.js';
import { as } from './tenancy.js';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

const attempt = (email: string, password: string) => request(app.url).post('/api/auth/login').send({ email, password });
const statuses = async (count: number, email: string, password: string) => {
  const found: number[] = [];
  for (let i = 0; i < count; i++) found.push((await attempt(email, password)).status);
  return found;
};

it('refuses the eleventh failed login for an e-mail, even with the right password, and says when to try again', async () => {
  const [email, password] = ['guessed@example.com', 'the right password'];
  await as(app, app.apiKey).post('/api/v1/members').send({ email, password, role: 'viewer' }).expect(201);
  expect(await statuses(10, email, 'wrong')).toEqual(Array(10).fill(401));
  const { body, headers } = await attempt(email, password).expect(429);
  expect(body.code).toBe('rate_limited');
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  expect(Number(headers['retry-after'])).toBeLessThanOrEqual(900);
  expect(headers['ratelimit-policy']).toBe('"login";q=10;w=900');
  expect(headers.ratelimit).toBe(`"login";r=0;t=${headers['retry-after']}`);
  expect(body.detail).toContain(`Try again in ${headers['retry-after']} s.`);
});

it('counts an e-mail anew after a login that succeeds', async () => {
  expect(await statuses(9, app.owner.email, 'wrong')).toEqual(Array(9).fill(401));
  await attempt(app.owner.email, app.owner.password).expect(200);
  expect(await statuses(9, app.owner.email, 'wrong')).toEqual(Array(9).fill(401));
  await attempt(app.owner.email, app.owner.password).expect(200);
});

it('refuses one address that tries many e-mails, and keeps no e-mail in its table', async () => {
  let last = 0;
  for (let i = 0; i < 100 && last !== 429; i++) last = (await attempt(`member${i}@example.com`, 'wrong')).status;
  expect(last).toBe(429);
  const { headers } = await attempt('somebody.else@example.com', 'wrong').expect(429);
  expect(headers['ratelimit-policy']).toBe('"login-address";q=100;w=900');
  const keys = await app.database.query<{ key: string }>('select key from rate_limits');
  expect(keys.length).toBeGreaterThan(10);
  expect(keys.filter(({ key }) => key.includes('@'))).toEqual([]);
});
