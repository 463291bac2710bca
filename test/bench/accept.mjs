// node test/bench/accept.mjs [events|batch|inbound] [REQUESTS] [CONNECTIONS]: what accepting costs the built server. Starts one with a
// database of its own and without subscriptions, so that nothing is delivered; says requests a second, latency, and CPU of the server.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [kind = 'events', requests = '20000', connections = '64'] = process.argv.slice(2);
const PORT = 18_472;
const KEY = 'phk_benchmark1_0123456789abcdef0123456789ABCDEF';
const WARM_UP = 3000;
const BATCH = 100;
const url = `http://127.0.0.1:${PORT}`;
const dataDir = mkdtempSync(path.join(os.tmpdir(), 'posthaste-bench-'));
const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const data = { contact_id: 'c-1', email: 'ada@example.com', note: randomBytes(450).toString('hex') };
const event = { type: 'contact.created', data };

function request(tenantId) {
  const [at, headers, body] = {
    events: ['/api/v1/events', [`authorization: Bearer ${KEY}`], event],
    batch: ['/api/v1/events/batch', [`authorization: Bearer ${KEY}`], Array.from({ length: BATCH }, () => event)],
    inbound: ['/api/webhooks/order.placed', [`x-tenant-id: ${tenantId}`, `x-api-key: ${KEY}`], data],
  }[kind];
  const text = JSON.stringify(body);
  const head = [`POST ${at} HTTP/1.1`, 'host: bench', ...headers, 'content-type: application/json'];
  return Buffer.from([...head, `content-length: ${Buffer.byteLength(text)}`, '', text].join('\r\n'));
}

/** One connection that asks again as soon as it is answered, until `next` says no. */
function client(bytes, next, answered) {
  return new Promise((resolve, reject) => {
    let since = 0;
    let received = '';
    const socket = connect({ port: PORT, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
    const ask = () => {
      if (!next()) return socket.end(resolve);
      since = performance.now();
      socket.write(bytes);
    };
    socket.on('connect', ask);
    socket.on('error', reject);
    socket.on('data', (text) => {
      received += text;
      const head = received.indexOf('\r\n\r\n');
      const length = head < 0 ? Number.NaN : Number(/content-length: (\d+)/i.exec(received)?.[1]);
      if (!(received.length >= head + 4 + length)) return;
      if (!received.startsWith('HTTP/1.1 202')) return reject(new Error(received));
      received = '';
      answered(performance.now() - since);
      ask();
    });
  });
}

async function load(bytes, count) {
  let left = count;
  const times = [];
  const next = () => left-- > 0;
  await Promise.all(Array.from({ length: Number(connections) }, () => client(bytes, next, (ms) => times.push(ms))));
  return times.sort((a, b) => a - b);
}

/** CPU seconds of a process: its own, and the system's for it. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return { own: Number(fields[11]) / 100, system: Number(fields[12]) / 100 };
}

const server = spawn(process.execPath, [...process.execArgv, main], {
  env: { ...process.env, PORT: String(PORT), HOST: '127.0.0.1', DATA_DIR: dataDir, BOOTSTRAP_API_KEY: KEY },
  stdio: 'ignore',
});
const exit = once(server, 'exit');
const ready = () =>
  fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
while (!(await ready())) await delay(50);
const me = await fetch(`${url}/api/auth/me`, { headers: { authorization: `Bearer ${KEY}` } }).then((one) => one.json());
const bytes = request(me.tenant_id);
await load(bytes, kind === 'batch' ? WARM_UP / BATCH : WARM_UP);

const before = cpuSeconds(server.pid);
const since = performance.now();
const times = await load(bytes, Number(requests));
const seconds = (performance.now() - since) / 1000;
const after = cpuSeconds(server.pid);
server.kill('SIGINT');
await exit;
rmSync(dataDir, { recursive: true, force: true });

const events = times.length * (kind === 'batch' ? BATCH : 1);
const at = (share) => times[Math.floor(share * (times.length - 1))].toFixed(1);
const each = (part) => ((1000 * (after[part] - before[part])) / events).toFixed(3);
console.log(
  `${kind}: ${Math.round(events / seconds)} events/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, CPU of the server for each ${each('own')} ms, and ${each('system')} ms in the system, load ${os.loadavg()[0].toFixed(1)}`,
);
