import { randomBytes } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApp } from '../../../src/app.js';
import { Config, type ENVIRONMENT } from '../../../src/config/env.js';
import { Bootstrapper } from '../../../src/tenants/bootstrapper.js';
import { createTestDatabase, type TestDatabase } from '../../support/database.js';

const KEY = 'phk_scriptkey_0123456789abcdefghijABCDEFGHIJ01';
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => database.query('truncate tenants cascade'));

/** As another process of the installation would start. */
async function start(environment: Partial<Record<keyof typeof ENVIRONMENT, string>>): Promise<NestFastifyApplication> {
  const config = Config.load(
    {
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      MASTER_KEY: randomBytes(32).toString('base64'),
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: '2',
      ...environment,
    },
    '0.0.0-test',
  );
  const app = await createApp(config, database.url);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

const bootstrap = (app: NestFastifyApplication) => app.get(Bootstrapper).ensureFirstTenant();
const me = (app: NestFastifyApplication, key: string) =>
  request(app.getHttpServer()).get('/api/auth/me').set('X-API-Key', key);

describe('the first start', () => {
  it('makes a tenant, an owner with a generated password, and a key; later starts make nothing', async () => {
    const app = await start({});
    const first = await bootstrap(app);
    expect(first).toEqual({
      created: true,
      tenant: { id: expect.any(String), slug: 'default', name: 'default' },
      email: 'owner@example.com',
      password: expect.stringMatching(/^[A-Za-z0-9]{20}$/),
      apiKey: expect.stringMatching(/^phk_/),
    });
    if (!first.created) throw new Error('unreachable');
    const login = await request(app.getHttpServer())
      .post('/api/auth/login')
      .send({ email: first.email, password: first.password });
    expect(login.body.member.role).toBe('owner');
    expect((await me(app, first.apiKey)).body.scopes).toHaveLength(10);
    expect(await bootstrap(app)).toEqual({ created: false });
    await app.close();
  });

  it('takes slug, e-mail, password and key from the settings, and tells no password that was given', async () => {
    const app = await start({
      BOOTSTRAP_TENANT: 'clinic',
      BOOTSTRAP_EMAIL: 'Admin@Clinic.example',
      BOOTSTRAP_PASSWORD: 'given password',
      BOOTSTRAP_API_KEY: KEY,
    });
    expect(await bootstrap(app)).toEqual({
      created: true,
      tenant: { id: expect.any(String), slug: 'clinic', name: 'clinic' },
      email: 'admin@clinic.example',
      apiKey: KEY,
    });
    expect((await me(app, KEY)).body.tenant.slug).toBe('clinic');
    await app.close();
  });

  it('makes one tenant when processes start together', async () => {
    const apps = await Promise.all([start({}), start({}), start({})]);
    const outcomes = await Promise.all(apps.map(bootstrap));
    expect(outcomes.map((outcome) => outcome.created).sort()).toEqual([false, false, true]);
    expect(await database.query('select slug from tenants')).toEqual([{ slug: 'default' }]);
    await Promise.all(apps.map((app) => app.close()));
  });
});

describe('BOOTSTRAP_API_KEY', () => {
  it('is installed on a later start too, once', async () => {
    const before = await start({});
    await bootstrap(before);
    const app = await start({ BOOTSTRAP_API_KEY: KEY });
    await me(app, KEY).expect(401);
    expect(await Promise.all([bootstrap(app), bootstrap(app)])).toEqual([{ created: false }, { created: false }]);
    await me(app, KEY).expect(200);
    expect(await database.query(`select 1 from api_keys where public_id = 'scriptkey'`)).toHaveLength(1);
    await Promise.all([before.close(), app.close()]);
  });

  it('stays revoked, and takes no other key’s place', async () => {
    const app = await start({ BOOTSTRAP_API_KEY: KEY });
    await bootstrap(app);
    const { body } = await me(app, KEY).expect(200);
    await request(app.getHttpServer()).delete(`/api/v1/api-keys/${body.id}`).set('X-API-Key', KEY).expect(204);
    await bootstrap(app);
    await me(app, KEY).expect(401);

    const other = await start({ BOOTSTRAP_API_KEY: KEY.replace('ABC', 'XYZ') });
    expect(await bootstrap(other)).toEqual({ created: false });
    await me(other, KEY.replace('ABC', 'XYZ')).expect(401);
    await Promise.all([app.close(), other.close()]);
  });
});
