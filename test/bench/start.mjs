// node test/bench/start.mjs [RUNS]: from the command `npm start`, as its user types it, to the first 200 of /health/ready, on every
// start but the first. Brings a database of its own and removes it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const RUNS = Number(process.argv[2] ?? 10);
const PORT = 18_471;
const LIMIT_MS = 15 * 60_000;
const root = fileURLToPath(new URL('../../', import.meta.url));
const dataDir = mkdtempSync(path.join(os.tmpdir(), 'posthaste-bench-'));

const isReady = () =>
  new Promise((resolve) => {
    const asked = request({ port: PORT, host: '127.0.0.1', path: '/health/ready', agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on('error', () => resolve(false));
    asked.end();
  });

/** @returns milliseconds */
async function start() {
  const since = performance.now();
  const npm = spawn('npm', ['start'], {
    cwd: root,
    env: { ...process.env, PORT: String(PORT), HOST: '127.0.0.1', DATA_DIR: dataDir },
    stdio: 'ignore',
    detached: true,
  });
  const exit = once(npm, 'exit');
  while (!(await isReady())) {
    if (npm.exitCode !== null || performance.now() - since > LIMIT_MS) throw new Error('npm start did not get ready');
    await delay(5);
  }
  const took = performance.now() - since;
  process.kill(-npm.pid, 'SIGINT');
  await exit;
  return took;
}

await start();
const runs = [];
for (let run = 0; run < RUNS; run++) runs.push(await start());
rmSync(dataDir, { recursive: true, force: true });
runs.sort((a, b) => a - b);
const seconds = (ms) => (ms / 1000).toFixed(2);
console.log(
  `${RUNS} starts: median ${seconds(runs[Math.floor(RUNS / 2)])} s, best ${seconds(runs[0])} s, worst ${seconds(runs.at(-1))} s, load ${os.loadavg()[0].toFixed(2)}`,
);
