import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { PROCESS_API_KEY, type ServerProcess, startServer } from '../support/server-process.js';

/** How many requests are made up for each operation; POSTHASTE_FUZZ_EXAMPLES=500 makes a long night of it. */
const EXAMPLES = process.env.POSTHASTE_FUZZ_EXAMPLES ?? '8';
/**
 * - positive_data_acceptance: a schema cannot say everything that is checked (a cursor we gave, a target that may be reached).
 * - unsupported_method, allow_header_conformance: `/contacts/imports` is a path of its own and also fits `/contacts/{id}`, whose
 *   methods are answered and named in `Allow`.
 */
const NOT_CHECKED = 'positive_data_acceptance,unsupported_method,allow_header_conformance';
/** Logging out would end the run; the operator's routes have a credential of their own. */
const LEFT_OUT = '^/api/(auth/logout|v1/platform)';

let database: TestDatabase;
let server: ServerProcess;
let workFolder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ DATABASE_URL: database.url });
  workFolder = await mkdtemp(path.join(os.tmpdir(), 'posthaste-fuzz-'));
});
afterAll(async () => {
  await server.kill();
  await database.drop();
  await rm(workFolder, { recursive: true });
});

describe('the API under thousands of made-up requests', () => {
  it('answers as its description says, and never with a 5xx', { timeout: 1_800_000 }, async () => {
    const api = new Api(server.url, PROCESS_API_KEY);
    const own = [(await api.get('/api/auth/me')).id, (await api.get('/api/v1/members')).data[0].id];
    const { status, output } = await schemathesis({ OWN_IDS: own.join(',') });
    expect(status, output.slice(-20_000)).toBe(0);
    expect(output).toMatch(/\d{3,} generated/);
  });
});

function schemathesis(env: Record<string, string>): Promise<{ status: number | null; output: string }> {
  const folder = path.resolve('test/fuzz');
  const args = [
    ...['--config-file', path.join(folder, 'schemathesis.toml')],
    ...['run', `${server.url}/openapi.json`, '--header', `Authorization: Bearer ${PROCESS_API_KEY}`],
    ...['--max-examples', EXAMPLES, '--workers', '2', '--phases', 'coverage,fuzzing', '--seed', '42'],
    ...['--exclude-checks', NOT_CHECKED, '--exclude-path-regex', LEFT_OUT],
    ...['--continue-on-failure', '--request-timeout', '20', '--no-color'],
  ];
  const program = 'from schemathesis.cli import schemathesis; schemathesis()';
  const child = spawn('python3', ['-c', program, ...args], {
    cwd: workFolder,
    env: { ...process.env, ...env, SCHEMATHESIS_HOOKS: path.join(folder, 'hooks.py') },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  });
}
