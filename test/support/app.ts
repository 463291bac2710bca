import { randomBytes } from 'node:crypto';
import type { DynamicModule, Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from '../../src/app.js';
import { Config, type ENVIRONMENT } from '../../src/config/env.js';
import type { Clock } from '../../src/core/clock.js';
import { PrismaService } from '../../src/database/prisma.service.js';
import { Bootstrapper } from '../../src/tenants/bootstrapper.js';
import { createTestDatabase, type TestDatabase } from './database.js';

export interface TestAppOptions {
  /** Beside the application's own. */
  modules?: (Type | DynamicModule)[];
  /** Environment variables. */
  config?: Partial<Record<keyof typeof ENVIRONMENT, string>>;
  clock?: Clock;
  redisUrl?: string;
  /** To run several instances on one database; without it the application gets one of its own, which `close` removes. */
  database?: TestDatabase;
}

export interface TestApp {
  url: string;
  app: NestFastifyApplication;
  prisma: PrismaService;
  database: TestDatabase;
  /** The first tenant. */
  tenant: { id: string; slug: string };
  owner: { email: string; password: string };
  /** Of that tenant, with all scopes. */
  apiKey: string;
  close(): Promise<void>;
}

export const TEST_OWNER = { email: 'owner@example.com', password: 'correct horse battery' };
export const PLATFORM_TOKEN = 'platform-token-of-the-tests';
const MASTER_KEY = randomBytes(32).toString('base64');

/** The application as it runs in production, on a free port, with its first tenant. */
export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const database = options.database ?? (await createTestDatabase());
  const config = Config.load(
    {
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      MASTER_KEY,
      DATABASE_URL: database.url,
      DATABASE_POOL_SIZE: '4',
      REDIS_URL: options.redisUrl,
      PLATFORM_TOKEN,
      BOOTSTRAP_EMAIL: TEST_OWNER.email,
      BOOTSTRAP_PASSWORD: TEST_OWNER.password,
      BOOTSTRAP_API_KEY: 'phk_testkey1_0123456789abcdef0123456789ABCDEF',
      ...options.config,
    },
    '0.0.0-test',
  );
  const app = await createApp(config, database.url, options.clock, options.modules);
  await app.init();
  await app.get(Bootstrapper).ensureFirstTenant();
  await app.listen(0, '127.0.0.1');
  const prisma = app.get(PrismaService);
  const { id, slug } = await prisma.tenant.findUniqueOrThrow({ where: { slug: config.bootstrap.tenant } });
  return {
    url: await app.getUrl(),
    app,
    prisma,
    database,
    tenant: { id, slug },
    owner: { email: config.bootstrap.email, password: config.bootstrap.password as string },
    apiKey: config.bootstrap.apiKey as string,
    close: async () => {
      await app.close();
      if (!options.database) await database.drop();
    },
  };
}
