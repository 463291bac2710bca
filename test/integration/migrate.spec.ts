import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { schemaDiff } from '../../scripts/lib/schema-diff.mjs';
import { migrate } from '../../src/database/migrate.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';

const SHIPPED = path.resolve('prisma/migrations');
const without = { bullmqSchema: false };

describe('migrate', () => {
  let database: TestDatabase;
  let folder: string;

  beforeEach(async () => {
    database = await createEmptyDatabase();
    folder = await mkdtemp(path.join(os.tmpdir(), 'posthaste-migrations-'));
  });
  afterEach(async () => {
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const write = async (name: string, sql: string) => {
    await mkdir(path.join(folder, name), { recursive: true });
    await writeFile(path.join(folder, name, 'migration.sql'), sql);
  };
  const tables = async (schema: string) =>
    (
      await database.query<{ name: string }>(
        'select table_name as name from information_schema.tables where table_schema = $1 order by 1',
        [schema],
      )
    ).map(({ name }) => name);

  it('applies the shipped migrations once, in order, and names each before it does', async () => {
    const shipped = (await readdir(SHIPPED, { withFileTypes: true })).filter((e) => e.isDirectory()).map((e) => e.name);
    const announced: string[] = [];

    expect(await migrate(database.url, { ...without, onProgress: (name) => announced.push(name) })).toEqual(shipped);
    expect(announced).toEqual(shipped);
    expect(await tables('public')).toContain('tenants');

    expect(await migrate(database.url, without)).toEqual([]);
  });

  it("makes BullMQ's schema only when asked", async () => {
    await migrate(database.url, without);
    expect(await tables('bullmq')).toEqual([]);

    await migrate(database.url, { bullmqSchema: true });
    expect(await tables('bullmq')).toContain('job');
  });

  it('creates a database that does not exist yet, also when several processes start at once', async () => {
    const url = new URL(database.url);
    url.pathname = `${url.pathname}_new`;
    try {
      const applied = await Promise.all([1, 2, 3].map(() => migrate(url.href, { bullmqSchema: true })));
      expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
      expect(await migrate(url.href, without)).toEqual([]);
    } finally {
      await database.query(`drop database if exists "${url.pathname.slice(1)}" with (force)`);
    }
  });

  it('refuses a migration that was edited after it had been applied, and says what to do', async () => {
    await cp(SHIPPED, folder, { recursive: true });
    const [first] = await migrate(database.url, { ...without, folder });
    await appendFile(path.join(folder, first!, 'migration.sql'), '\ncreate table sneaked_in (id int);\n');

    await expect(migrate(database.url, { ...without, folder })).rejects.toThrow(
      `Migration ${first} was edited after it had been applied to this database: put its file back as it was and write a new migration with \`npm run migration NAME\``,
    );
    expect(await tables('public')).not.toContain('sneaked_in');
  });

  it('undoes a migration that fails half-way and keeps those before it', async () => {
    await write('1_good', 'create table good (id int);');
    await write('2_bad', 'create table half (id int); select 1/0;');

    await expect(migrate(database.url, { ...without, folder })).rejects.toThrow(
      'Migration 2_bad failed and was undone: division by zero',
    );
    expect(await tables('public')).toEqual(['_prisma_migrations', 'good']);

    await write('2_bad', 'create table whole (id int);');
    expect(await migrate(database.url, { ...without, folder })).toEqual(['2_bad']);
  });

  it("keeps the ledger as Prisma's own migrate would: SHA-256 of the file, finished, one step", async () => {
    await write('1_one', 'create table one (id int);\n');
    await migrate(database.url, { ...without, folder });

    expect(
      await database.query(
        `select migration_name, checksum, applied_steps_count, finished_at is not null as finished, rolled_back_at, logs
         from _prisma_migrations`,
      ),
    ).toEqual([
      {
        migration_name: '1_one',
        // printf 'create table one (id int);\n' | sha256sum
        checksum: '35899e0fbae58a7cb662d11284931ae9d9c920c0a4e2891238d1d02fdcd69bcf',
        applied_steps_count: 1,
        finished: true,
        rolled_back_at: null,
        logs: null,
      },
    ]);
  });

  it('does not go on where `prisma migrate` left a migration unfinished', async () => {
    await write('1_one', 'create table one (id int);');
    await migrate(database.url, { ...without, folder });
    await database.query('update _prisma_migrations set finished_at = null');

    await expect(migrate(database.url, { ...without, folder })).rejects.toThrow(
      'Migration 1_one was begun by `prisma migrate` and did not finish',
    );
  });
});

describe('the shipped migrations', () => {
  let migrated: TestDatabase;
  let fromSchema: TestDatabase;

  beforeAll(async () => {
    migrated = await createTestDatabase();
    fromSchema = await createEmptyDatabase();
    // What a migration says and the schema cannot: a function that a default calls.
    const [init] = (await readdir('prisma/migrations')).filter((name) => name.endsWith('_init'));
    const sql = await readFile(`prisma/migrations/${init}/migration.sql`, 'utf8');
    await fromSchema.query(/CREATE FUNCTION uuid_v7\(\)[\s\S]*?\n\$\$;/.exec(sql)?.[0] as string);
    await fromSchema.query(await schemaDiff('', await readFile('prisma/schema.prisma', 'utf8')));
  });
  afterAll(async () => {
    await migrated.drop();
    await fromSchema.drop();
  });

  it('make every table and column as schema.prisma describes it', async () => {
    const columns = `
      select table_name, column_name, udt_name, is_nullable, column_default, datetime_precision
      from information_schema.columns
      where table_schema = 'public' and table_name <> '_prisma_migrations'
        and table_name in (select table_name from information_schema.tables where table_type = 'BASE TABLE')
      order by table_name, column_name`;
    expect(await migrated.query(columns)).toEqual(await fromSchema.query(columns));
  });

  it('make every index, key and enum of schema.prisma; they may add what it cannot express', async () => {
    const structures = `
      select indexdef as definition from pg_indexes where schemaname = 'public' and tablename <> '_prisma_migrations'
      union all
      select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
      where connamespace = 'public'::regnamespace and contype in ('p', 'u', 'f') and conrelid::regclass::text <> '_prisma_migrations'
      union all
      select typname || ' ' || string_agg(enumlabel, ',' order by enumsortorder)
      from pg_enum join pg_type t on t.oid = enumtypid group by typname`;
    const definitions = async (database: TestDatabase) =>
      (await database.query<{ definition: string }>(structures)).map(({ definition }) => definition);
    expect(await definitions(migrated)).toEqual(expect.arrayContaining(await definitions(fromSchema)));
  });
});
