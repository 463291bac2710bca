// npm run migration NAME: writes prisma/migrations/<time>_<name>/migration.sql from what changed in schema.prisma.
// The schema as of the last migration is kept beside the migrations, so no database is needed to compare.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { schemaDiff } from './lib/schema-diff.mjs';

const prismaFolder = fileURLToPath(new URL('../prisma/', import.meta.url));
const schemaFile = path.join(prismaFolder, 'schema.prisma');
const snapshotFile = path.join(prismaFolder, 'migrations', 'schema.snapshot.prisma');

/** The schema as of the last migration, the schema now, and the SQL between them ('' when they agree). */
export async function pendingMigration() {
  const migrated = await readFile(snapshotFile, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const current = await readFile(schemaFile, 'utf8');
  return { current, sql: migrated === current ? '' : await schemaDiff(migrated, current) };
}

async function main([givenName]) {
  const name = (givenName ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  if (name === '')
    throw new Error('usage: npm run migration NAME     for example: npm run migration add_subscription_filter');

  const { current, sql } = await pendingMigration();
  if (sql === '') {
    await writeFile(snapshotFile, current);
    console.log('prisma/schema.prisma asks for nothing that the migrations do not already do.');
    return;
  }
  const folderName = `${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}_${name}`;
  const folder = path.join(prismaFolder, 'migrations', folderName);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'migration.sql'), sql);
  await writeFile(snapshotFile, current);
  // `prisma migrate deploy` refuses a folder without this file.
  await writeFile(path.join(prismaFolder, 'migrations', 'migration_lock.toml'), 'provider = "postgresql"\n');
  console.log(`prisma/migrations/${folderName}/migration.sql`);
  console.log('Read it, add what Prisma cannot express (partial indexes, views), and commit it with schema.prisma.');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
