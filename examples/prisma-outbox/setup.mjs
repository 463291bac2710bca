// Runs setup.sql.   DATABASE_URL=postgres://<administrator>@…/posthaste node setup.mjs
import { readFile } from 'node:fs/promises';
import pg from 'pg';

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query(await readFile(new URL('setup.sql', import.meta.url), 'utf8'));
await client.end();
console.log('Schema, role and grants are there.');
