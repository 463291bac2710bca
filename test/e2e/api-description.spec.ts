import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES } from '../../src/core/scopes.js';
import { Api } from '../support/api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { PROCESS_API_KEY, type ServerProcess, startServer } from '../support/server-process.js';

type Security = Record<string, string[]>[];
interface Description {
  info: { version: string };
  paths: Record<
    string,
    Record<
      string,
      { security: Security; summary?: string; tags?: string[]; responses: Record<string, { content?: object }> }
    >
  >;
}
interface Operation {
  name: string;
  method: string;
  path: string;
  security: Security;
}

const written = JSON.parse(await readFile('docs/openapi.json', 'utf8')) as Description;
/** Every operation, with an id in its path that nothing has. */
const operations: Operation[] = Object.entries(written.paths).flatMap(([pattern, methods]) =>
  Object.entries(methods).map(([method, { security }]) => ({
    name: `${method.toUpperCase()} ${pattern}`,
    method: method.toUpperCase(),
    path: pattern.replaceAll(/\{\w+\}/g, '01a208ad-81aa-79ff-a137-7dea4536b8b7'),
    security,
  })),
);
const scopeOf = ({ security }: Operation) => Object.values(security.at(-1) ?? {}).flat()[0];

describe('the description of the API', () => {
  let database: TestDatabase;
  let server: ServerProcess;
  const keysWithout = new Map<string, string>();

  beforeAll(async () => {
    database = await createTestDatabase();
    server = await startServer({ DATABASE_URL: database.url, PLATFORM_TOKEN: 'platform-token-of-the-tests' });
    const api = new Api(server.url, PROCESS_API_KEY);
    for (const scope of SCOPES) {
      const scopes = SCOPES.filter((other) => other !== scope);
      keysWithout.set(scope, (await api.post('/api/v1/api-keys', { name: `all but ${scope}`, scopes }, 201)).key);
    }
  });
  afterAll(async () => {
    await server.kill();
    await database.drop();
  });

  const ask = async ({ method, path: to }: Operation, headers: Record<string, string> = {}) =>
    (await fetch(server.url + to, { method, headers, signal: AbortSignal.timeout(30_000) })).status;

  it('is served as it is written in docs/openapi.json, with the version of the server', async () => {
    const served = (await (await fetch(`${server.url}/openapi.json`)).json()) as Description;
    const { version } = JSON.parse(await readFile('package.json', 'utf8'));
    expect(served).toEqual({ ...written, info: { ...written.info, version } });
  });

  it('says of every operation what it does and where it belongs', () => {
    const silent = Object.values(written.paths)
      .flatMap((methods) => Object.values(methods))
      .filter(({ summary, tags, security }) => !summary || tags?.length !== 1 || !security);
    expect(silent).toEqual([]);
  });

  it('says what every successful answer holds: a view class, or a list with @ApiPage', () => {
    const vague = Object.entries(written.paths).flatMap(([pattern, methods]) =>
      Object.entries(methods)
        .filter(([, { security }]) => security.length > 0)
        .flatMap(([method, { responses }]) =>
          Object.entries(responses)
            .filter(([status, { content }]) => status.startsWith('2') && status !== '204' && !content)
            .map(([status]) => `${method.toUpperCase()} ${pattern} ${status}`),
        ),
    );
    expect(vague).toEqual([]);
  });

  const closed = operations.filter(({ security }) => security.length > 0);
  const open = operations.filter(({ security }) => security.length === 0);

  it.each(closed)('$name needs a credential, as it says', async (operation) => {
    expect(await ask(operation)).toBe(401);
  });

  it.each(open.filter(({ method }) => method === 'GET'))('$name needs none, as it says', async (operation) => {
    // What is asked for does not exist where the path has an id: that is an answer, too.
    expect([200, 404]).toContain(await ask(operation));
  });

  it.each(closed.filter(scopeOf))('$name needs its scope and no other, as it says', async (operation) => {
    const tenantId = (await new Api(server.url, PROCESS_API_KEY).get('/api/auth/me')).tenant_id;
    const scope = scopeOf(operation) as string;
    const other = SCOPES.find((one) => one !== scope) as string;
    const withKey = (key: string) => ask(operation, { 'X-API-Key': key, 'X-Tenant-ID': tenantId });
    expect(await withKey(keysWithout.get(scope) as string)).toBe(403);
    expect([401, 403]).not.toContain(await withKey(keysWithout.get(other) as string));
  });
});

describe('npm run docs', { timeout: 300_000 }, () => {
  it('tells which documents are out of date and by which command they are written, and writes them', async () => {
    const project = await mkdtemp(path.join(os.tmpdir(), 'posthaste docs '));
    try {
      const needed = ['scripts', 'src', 'build', 'dist', 'docs', 'package.json', 'package-lock.json', '.env.example'];
      const settings = ['tsconfig.json', 'tsconfig.build.json', 'nest-cli.json', 'prisma.config.ts', 'prisma'];
      for (const name of [...needed, ...settings]) await cp(name, path.join(project, name), { recursive: true });
      await symlink(path.resolve('node_modules'), path.join(project, 'node_modules'), 'dir');
      const run = (...args: string[]) =>
        new Promise<{ status: number; output: string }>((resolve) => {
          execFile(
            process.execPath,
            ['scripts/generate-docs.mjs', ...args],
            { cwd: project },
            (error, stdout, stderr) => resolve({ status: error ? Number(error.code) : 0, output: stdout + stderr }),
          );
        });
      expect(await run('--check')).toEqual({ status: 0, output: '' });

      await writeFile(path.join(project, 'docs/errors.md'), 'as it was\n');
      await rm(path.join(project, '.env.example'));
      const outdated = 'Out of date: .env.example, docs/errors.md. Write them again: npm run docs\n';
      expect(await run('--check')).toEqual({ status: 1, output: outdated });

      expect(await run()).toEqual({ status: 0, output: '.env.example\ndocs/errors.md\n' });
      for (const name of ['.env.example', 'docs/errors.md'])
        expect(await readFile(path.join(project, name), 'utf8')).toBe(await readFile(name, 'utf8'));
    } finally {
      await rm(project, { recursive: true, force: true });
    }
  });
});
