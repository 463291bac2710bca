import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMigrations } from 'bullmq';
import pg from 'pg';

/** `prisma migrate` takes the same lock, so the two never run at once. */
const PRISMA_MIGRATE_LOCK = 72_707_369;

/** Column for column what `prisma migrate` makes: both can be used on the same database. */
const LEDGER = `
  create table if not exists _prisma_migrations (
    id                  varchar(36) primary key not null,
    checksum            varchar(64) not null,
    finished_at         timestamptz,
    migration_name      varchar(255) not null,
    logs                text,
    rolled_back_at      timestamptz,
    started_at          timestamptz not null default now(),
    applied_steps_count integer not null default 0
  )`;

// The package root, from src/ and from dist/ alike.
const MIGRATIONS_FOLDER = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

/** The database cannot be brought to this version's schema; the message says which migration and what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

export interface MigrateOptions {
  /** Also bring BullMQ's own schema up to date: it keeps its jobs in Postgres when there is no Redis. */
  bullmqSchema: boolean;
  /** Told before each migration is applied, for a first start has several and a later one none. */
  onProgress?: (migration: string) => void;
  folder?: string;
}

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

/**
 * Creates the database when it does not exist and applies what is missing of `prisma/migrations`, each in one
 * transaction. Processes that do this at the same time wait for each other.
 * @returns the names of the migrations it applied
 * @throws MigrationError when one fails, or was edited after it had been applied
 */
export async function migrate(connectionString: string, options: MigrateOptions): Promise<string[]> {
  await createDatabaseIfMissing(connectionString);
  const client = new pg.Client({ connectionString, application_name: 'posthaste migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [PRISMA_MIGRATE_LOCK]);
    await client.query(LEDGER);
    const missing = await missingMigrations(client, await readMigrations(options.folder ?? MIGRATIONS_FOLDER));
    for (const migration of missing) {
      options.onProgress?.(migration.name);
      await apply(client, migration);
    }
    if (options.bullmqSchema) await runMigrations(client);
    return missing.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

async function createDatabaseIfMissing(connectionString: string): Promise<void> {
  const url = new URL(connectionString);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (await databaseExists(connectionString)) return;
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query(`create database ${client.escapeIdentifier(database)}`);
  } catch (error) {
    const madeByAnotherMeanwhile = ['42P04', '23505'].includes((error as { code?: string }).code ?? '');
    if (!madeByAnotherMeanwhile) throw error;
  } finally {
    await client.end();
  }
}

async function databaseExists(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString });
  try {
    await client.connect();
    return true;
  } catch (error) {
    const unknownDatabase = '3D000';
    if ((error as { code?: string }).code === unknownDatabase) return false;
    throw error;
  } finally {
    await client.end().catch(() => {});
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(path.join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function missingMigrations(client: pg.Client, migrations: Migration[]): Promise<Migration[]> {
  const { rows } = await client.query<{ name: string; checksum: string; finished: boolean }>(
    `select migration_name as name, checksum, finished_at is not null as finished
     from _prisma_migrations where rolled_back_at is null`,
  );
  const unfinished = rows.find((row) => !row.finished);
  if (unfinished) {
    throw new MigrationError(
      `Migration ${unfinished.name} was begun by \`prisma migrate\` and did not finish: repair the database, then run \`prisma migrate resolve\``,
    );
  }
  const applied = new Map(rows.map((row) => [row.name, row.checksum]));
  const edited = migrations.find(({ name, checksum }) => applied.has(name) && applied.get(name) !== checksum);
  if (edited) {
    throw new MigrationError(
      `Migration ${edited.name} was edited after it had been applied to this database: put its file back as it was and write a new migration with \`npm run migration NAME\``,
    );
  }
  return migrations.filter(({ name }) => !applied.has(name));
}

async function apply(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(sql);
    await client.query(
      `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       values ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw new MigrationError(`Migration ${name} failed and was undone: ${(error as Error).message}`, { cause: error });
  }
}
