import { appendFileSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { PROCESS_API_KEY, startServer } from '../support/server-process.js';
import { ask, bareUndici, type Measured, SCENARIOS, type Target } from './scenarios.js';
import { startSink } from './sink.js';
import { usageOf } from './usage.js';

// npm run bench [-- sat fan …]: the built server as `npm start` runs it, with an embedded Postgres of its own, measured from
// this process. The same machine sends, receives and serves, so only ratios of one run say something.

const RESULTS = 'bench-results.jsonl';
const SETTLE_MS = 1_500;

interface Row extends Measured {
  ofBareUndici?: number;
  cpuSecondsPerThousand?: number;
  peakRssMiB?: number;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown.length > 0) {
  console.error(`No scenario "${unknown[0]}". There are: ${SCENARIOS.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}

const dataDir = await mkdtemp(path.join(os.tmpdir(), 'posthaste-bench-'));
const sink = await startSink();
const server = await startServer({ DATA_DIR: dataDir, DATABASE_POOL_SIZE: '10' });
try {
  const pid = server.child.pid as number;
  const postgresPid = Number(readFileSync(path.join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0]);
  const account = { url: server.url, apiKey: PROCESS_API_KEY };
  const target: Target = { ...account, tenantId: String((await ask(account, '/api/auth/me')).tenant_id) };
  const loadBefore = os.loadavg();

  const bare = await bareUndici(sink);
  const rows: Row[] = [bare];
  for (const scenario of SCENARIOS) {
    if (wanted.length > 0 && !wanted.includes(scenario.name)) continue;
    console.log(`… ${scenario.name}: ${scenario.about}`);
    rows.push(await measure(() => scenario.run(target, sink), [pid, postgresPid], bare));
  }
  print(rows);
  const machine = { cpus: os.cpus().length, model: os.cpus()[0]?.model, loadBefore, loadAfter: os.loadavg() };
  appendFileSync(RESULTS, `${JSON.stringify({ time: new Date(), node: process.version, machine, rows })}\n`);
  console.log(`\nAppended to ${RESULTS}. Load of the machine before: ${loadBefore.map((n) => n.toFixed(1)).join(' ')}`);
} finally {
  await server.stop();
  await sink.close();
  await rm(dataDir, { recursive: true, force: true });
}

async function measure(run: () => Promise<Measured>, pids: number[], bare: Measured): Promise<Row> {
  const before = usageOf(pids);
  let peakRssMiB = 0;
  const sampling = setInterval(() => {
    peakRssMiB = Math.max(peakRssMiB, usageOf(pids.slice(0, 1))?.rssMiB ?? 0);
  }, 250);
  const measured = await run().finally(() => clearInterval(sampling));
  // What is recorded after the last request has arrived belongs to it.
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const after = usageOf(pids);
  const thousands = (measured.deliveries ?? 0) / 1000;
  return {
    ...measured,
    ...(measured.deliveriesPerSecond && {
      ofBareUndici: measured.deliveriesPerSecond / (bare.deliveriesPerSecond as number),
    }),
    ...(before &&
      after &&
      thousands > 0 && { cpuSecondsPerThousand: (after.cpuSeconds - before.cpuSeconds) / thousands }),
    ...(before && { peakRssMiB }),
  };
}

function print(rows: Row[]): void {
  const columns: [string, (row: Row) => string][] = [
    ['scenario', (row) => row.scenario],
    ['acks/s', (row) => figure(row.acksPerSecond, 0)],
    ['ack p99 ms', (row) => figure(row.ackP99Ms, 1)],
    ['deliveries/s', (row) => figure(row.deliveriesPerSecond, 0)],
    ['of bare undici', (row) => figure(row.ofBareUndici, 2)],
    ['e2e p50 ms', (row) => figure(row.endToEndP50Ms, 1)],
    ['e2e p99 ms', (row) => figure(row.endToEndP99Ms, 1)],
    ['CPU s/1,000', (row) => figure(row.cpuSecondsPerThousand, 2)],
    ['private MiB', (row) => figure(row.peakRssMiB, 0)],
  ];
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, show]) => show(row)))];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)));
  console.log();
  for (const line of cells) console.log(line.map((cell, i) => cell.padStart(widths[i]!)).join('  '));
}

function figure(value: number | undefined, digits: number): string {
  return value === undefined ? '' : value.toFixed(digits);
}
