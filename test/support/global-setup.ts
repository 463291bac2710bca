import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { migrate } from '../../src/database/migrate.js';
import { startRedisServer } from './redis-server.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Postgres of this test run, at its `postgres` database: see createTestDatabase. */
    postgresUrl: string;
    /** Name of the database with every migration applied and no rows. */
    templateDatabase: string;
    /** The Redis of this test run. */
    redisUrl: string;
  }
}

const TEMPLATE_DATABASE = 'posthaste_template';

/** One Postgres and one Redis for the whole run; a migrated template database that every spec file clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'posthaste-test-'));
  const cleanUp = cleanUpAfterThisProcess(folder);
  const redis = await startRedisServer(folder);
  const complain = (message: string) => console.error(message);
  const postgres = await startEmbeddedPostgres({
    dataDir: folder,
    log: { info: () => {}, warn: complain, error: complain },
    // The data goes with the run: only losing power would tell the difference.
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '400' },
  });
  await migrate(postgres.url(TEMPLATE_DATABASE), { bullmqSchema: true });
  project.provide('postgresUrl', postgres.url('postgres'));
  project.provide('templateDatabase', TEMPLATE_DATABASE);
  project.provide('redisUrl', redis.url);

  return async () => {
    await postgres.stop();
    await redis.stop();
    await cleanUp();
  };
}

/** A shell that notices when this process is gone, also when it was killed, and takes away what the run left. */
function cleanUpAfterThisProcess(folder: string): () => Promise<unknown> {
  const script = `read _
    for file in "$1/redis.pid" "$1/postgres/data/postmaster.pid"; do
      [ -f "$file" ] && kill -9 "$(head -n 1 "$file")"
    done
    rm -rf "$1"`;
  const shell = spawn('sh', ['-c', script, 'sh', folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  return () => {
    shell.stdin.end();
    return once(shell, 'exit');
  };
}
