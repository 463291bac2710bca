import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/database/postgres-cluster.js';
import { eventually } from '../support/eventually.js';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const API_KEY = 'phk_npmstart1_0123456789abcdef0123456789ABCDEF';
/** Installing and building on a loaded machine. */
const FIRST_START_MS = 15 * 60_000;

let folder: string;
let clone: string;
let port: number;
const running = new Set<ChildProcess>();

/** A process in a group of its own, as a terminal starts one: signals go to npm and all below it. */
function run(command: string, args: string[], env: Record<string, string> = {}, uid?: number) {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(command, args, {
    cwd: clone,
    env: { PATH, HOME, PORT: String(port), BOOTSTRAP_API_KEY: API_KEY, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    uid,
    gid: uid,
  });
  running.add(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const exit = once(child, 'exit').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  const signalGroup = (signal: NodeJS.Signals) => {
    if (running.has(child)) process.kill(-(child.pid as number), signal);
  };
  return { child, output: () => output, exit, signalGroup };
}

async function start(env: Record<string, string> = {}, uid?: number) {
  const server = run('npm', ['start'], env, uid);
  await eventually(() => {
    if (server.child.exitCode === null) expect(server.output()).toContain('Ctrl-C stops it.');
  }, FIRST_START_MS);
  expect(server.child.exitCode, server.output()).toBeNull();
  return server;
}

const ready = () => fetch(`http://127.0.0.1:${port}/health/ready`).then((answer) => answer.status);
const publish = () =>
  fetch(`http://127.0.0.1:${port}/api/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: '{"type":"start.tested","data":{}}',
  }).then((answer) => answer.status);
const postmasterPid = () =>
  Number(
    execFileSync(
      'find',
      [path.join(clone, '.posthaste'), '-name', 'postmaster.pid', '-exec', 'head', '-1', '{}', ';'],
      { encoding: 'utf8' },
    ),
  );

/** A process that has ended but was not yet reaped (a container's first process may be slow at that) has no command line. */
const runs = (pid: number) => existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8') !== '';

/** The server itself: npm, and perhaps a shell, stand before it. */
function serverPid(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
  const node = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('start.mjs'));
  return node === undefined ? pid : serverPid(node);
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'posthaste-start-'));
  execFileSync('chmod', ['755', folder]);
  clone = path.join(folder, 'a clone of it');
  mkdirSync(clone);
  // What a clone of this state would hold.
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: PROJECT, encoding: 'utf8' })
    .trim()
    .split('\n');
  for (const file of files)
    if (existsSync(path.join(PROJECT, file))) cpSync(path.join(PROJECT, file), path.join(clone, file));
  port = await freePort();
});
afterAll(async () => {
  for (const child of running) process.kill(-(child.pid as number), 'SIGKILL');
  if (existsSync(path.join(clone, '.posthaste'))) {
    const pid = postmasterPid();
    if (pid > 0) process.kill(pid, 'SIGINT');
  }
  await eventually(() => rmSync(folder, { recursive: true, force: true }), 60_000);
});

/** The README's commands from one heading to the next, in order, with the placeholders filled in. */
function readmeCommands(from: string, to: string, receiverPort: number): string {
  const text = readFileSync(path.join(clone, 'README.md'), 'utf8');
  const section = text.slice(text.indexOf(from), text.indexOf(to));
  expect(section.length).toBeGreaterThan(100);
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)]
    .map(([, block]) => block as string)
    .join('\necho\n')
    .replace('phk_...', API_KEY)
    .replaceAll('localhost:8001', `127.0.0.1:${port}`)
    .replaceAll(':9000', `:${receiverPort}`)
    .replace('node examples/receiver.mjs', `PORT=${receiverPort} node examples/receiver.mjs`);
}

describe('npm start in a fresh clone, in a folder with spaces', () => {
  it('installs, builds, starts, and says all that is needed to go on', { timeout: FIRST_START_MS }, async () => {
    const server = await start();
    const output = server.output();
    for (const word of ['/docs', 'owner@example.com', 'Password', API_KEY, 'curl ']) expect(output).toContain(word);
    // What npm itself says before it runs the script is about its own settings.
    expect(output.slice(output.indexOf('start.mjs'))).not.toMatch(/warn|deprecated/i);
    expect(await ready()).toBe(200);

    // The README, pasted.
    const receiverPort = await freePort();
    const pasted = run(
      'bash',
      ['-e', '-c', readmeCommands('## First event out', '## What works today', receiverPort)],
      { PORT: '' },
    );
    await eventually(
      () => expect(pasted.output()).toContain('POST /hooks contact.created (signature verified)'),
      60_000,
    );
    await eventually(() => expect(pasted.output()).toContain('"eventName":"lead.captured"'), 60_000);
    pasted.signalGroup('SIGKILL');

    // Ctrl-C: the whole group gets it, as from a terminal.
    const pid = postmasterPid();
    server.signalGroup('SIGINT');
    await server.exit;
    await eventually(() => expect(runs(pid)).toBe(false));
    await expect(ready()).rejects.toThrow();
  });

  it('starts again after kill -9 of the server, and of Postgres while it runs', { timeout: 300_000 }, async () => {
    const first = await start();
    expect(first.output()).not.toContain('Password');
    const orphan = postmasterPid();
    process.kill(serverPid(first.child.pid as number), 'SIGKILL');
    await first.exit;
    const second = await start();
    expect(postmasterPid()).toBe(orphan);
    expect(await publish()).toBe(202);

    process.kill(orphan, 'SIGKILL');
    // Not the answer first: what Postgres has left for connections may still give one.
    await eventually(() => expect([0, orphan]).not.toContain(postmasterPid()), 60_000);
    await eventually(async () => expect(await publish()).toBe(202), 60_000);

    const taken = run('npm', ['start']);
    expect(await taken.exit).not.toBe(0);
    expect(taken.output()).toContain(`Port ${port} is taken`);

    const last = postmasterPid();
    second.signalGroup('SIGTERM');
    await second.exit;
    await eventually(() => expect(runs(last)).toBe(false));
  });

  it('says all mistakes of the environment at once', { timeout: 120_000 }, async () => {
    const server = run('npm', ['start'], { DATABASE_URL: 'mysql://x', ROLES: 'api,cook', DELIVERY_TIMEOUT_MS: '5' });
    expect(await server.exit).not.toBe(0);
    for (const variable of ['DATABASE_URL', 'ROLES', 'DELIVERY_TIMEOUT_MS'])
      expect(server.output()).toContain(variable);
  });

  it('works for an ordinary user too', { timeout: 300_000 }, async () => {
    if (process.getuid?.() !== 0) return expect(existsSync(path.join(clone, 'dist'))).toBe(true);
    const nobody = Number(execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }));
    execFileSync('chown', ['-R', String(nobody), folder]);
    const server = await start({ DATA_DIR: path.join(folder, 'data of nobody'), HOME: folder }, nobody);
    expect(await publish()).toBe(202);
    server.signalGroup('SIGINT');
    await server.exit;
  });
});
