import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '../../src/database/postgres-cluster.js';

export interface RedisServer {
  url: string;
  stop(): Promise<void>;
}

/** A real Redis, the one queue backend that npm does not bring. It keeps `redis.pid` in its folder and nothing else. */
export async function startRedisServer(givenFolder?: string): Promise<RedisServer> {
  const folder = givenFolder ?? (await mkdtemp(path.join(os.tmpdir(), 'posthaste-redis-')));
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const pidfile = path.join(folder, 'redis.pid');
    const options = { bind: '127.0.0.1', port: String(port), dir: folder, pidfile, save: '', appendonly: 'no' };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const outcome = await readiness(server);
    if (outcome === 'ready') {
      return {
        url: `redis://127.0.0.1:${port}`,
        stop: async () => {
          if (server.exitCode === null && server.signalCode === null) {
            const ended = once(server, 'exit');
            server.kill('SIGTERM');
            await ended;
          }
          if (!givenFolder) await rm(folder, { recursive: true, force: true });
        },
      };
    }
    if (outcome === 'missing') {
      throw new Error(
        'The tests run both queue backends and need a real Redis: `redis-server` is not on the PATH. Install it with `apt-get install redis-server`',
      );
    }
    // The port was taken between finding it free and listening.
    if (attempt === 5) throw new Error(`redis-server does not start:\n${outcome}`);
  }
}

function readiness(server: ChildProcess): Promise<string> {
  let output = '';
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT' ? resolve('missing') : reject(error),
    );
    server.once('exit', () => resolve(output));
    server.stdout?.on('data', (chunk) => {
      output += chunk;
      if (output.includes('Ready to accept connections')) resolve('ready');
    });
  });
}
