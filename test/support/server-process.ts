import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ENVIRONMENT } from '../../src/config/env.js';
import { freePort } from '../../src/database/postgres-cluster.js';
import { eventually } from './eventually.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** One for all processes of a test file: they share a database, and so its secrets. */
const MASTER_KEY = randomBytes(32).toString('base64');
export const PROCESS_API_KEY = 'phk_processkey_0123456789abcdef0123456789ABCDEF';

export interface ServerProcess {
  url: string;
  child: ChildProcess;
  /** Everything it has printed. */
  output(): string;
  /** SIGTERM, and waits for the end; gives the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

/** The built server as a process of its own, ready to be asked: for what only a process can suffer, such as `kill -9`. */
export async function startServer(env: Partial<Record<keyof typeof ENVIRONMENT, string>>): Promise<ServerProcess> {
  const port = await freePort();
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NODE_ENV: 'test',
      HOST: '127.0.0.1',
      PORT: String(port),
      MASTER_KEY,
      LOG_FORMAT: 'json',
      BOOTSTRAP_API_KEY: PROCESS_API_KEY,
      DATABASE_POOL_SIZE: '4',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    if (child.exitCode !== null) return;
    const answer = await fetch(`${url}/health/ready`);
    if (answer.status !== 200) throw new Error(`not ready: ${answer.status}`);
  }, 60_000);
  if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${output}`);
  const ended = async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  };
  return {
    url,
    child,
    output: () => output,
    stop: () => {
      child.kill('SIGTERM');
      return ended();
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended();
    },
  };
}
