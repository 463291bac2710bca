import { setTimeout as delay } from 'node:timers/promises';
import { type Load, payload, percentile, post } from './load.js';
import type { Sink } from './sink.js';

export interface Target {
  url: string;
  apiKey: string;
  tenantId: string;
}

/** Asks the API for something; with a body it posts. */
export async function ask(target: Pick<Target, 'url' | 'apiKey'>, path: string, body?: object) {
  const answer = await fetch(target.url + path, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${target.apiKey}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

/** One row of the table; figures a scenario has nothing to say about are absent. */
export interface Measured {
  scenario: string;
  /** Requests accepted in a second. */
  acksPerSecond?: number;
  ackP99Ms?: number;
  deliveries?: number;
  deliveriesPerSecond?: number;
  endToEndP50Ms?: number;
  endToEndP99Ms?: number;
}

export interface Scenario {
  name: string;
  about: string;
  run(target: Target, sink: Sink): Promise<Measured>;
}

const CONNECTIONS = 64;
const GIVE_UP_MS = 60_000;
let lastRun = 0;

interface Outbound {
  endpoints: number;
  events: number;
  /** Events in one request; one: POST /events. */
  batch?: number;
  connections?: number;
  perSecond?: number;
  /** This endpoint never answers; what is measured is the others. */
  hanging?: number;
}

async function outbound(scenario: string, target: Target, sink: Sink, options: Outbound): Promise<Measured> {
  const { endpoints, events, batch = 1, connections = CONNECTIONS, perSecond, hanging = null } = options;
  const run = ++lastRun;
  const type = `bench.run${run}_${Date.now()}`;
  for (let i = 0; i < endpoints; i++) {
    await ask(target, '/api/v1/subscriptions', { url: `${sink.url}/w/${run}/${i}`, eventTypes: [type] });
  }
  const wanted = events * (hanging === null ? endpoints : endpoints - 1);
  const latencies: number[] = [];
  let lastMs = 0;
  sink.hangAt(hanging);
  const all = new Promise<void>((resolve) => {
    sink.onArrival((arrival) => {
      if (arrival.run !== run || arrival.endpoint === hanging) return;
      latencies.push(arrival.latencyMs);
      lastMs = performance.now();
      if (latencies.length === wanted) resolve();
    });
  });
  const event = (n: number) => `{"type":"${type}","data":${payload(n)}}`;
  const load: Load = {
    origin: target.url,
    path: batch === 1 ? '/api/v1/events' : '/api/v1/events/batch',
    headers: { authorization: `Bearer ${target.apiKey}` },
    body: (n) => (batch === 1 ? event(n) : `[${Array.from({ length: batch }, (_, i) => event(n * batch + i)).join()}]`),
    requests: events / batch,
    connections,
    perSecond,
  };
  const startedMs = performance.now();
  const posted = await post(load);
  const done = await Promise.race([all.then(() => true), delay(GIVE_UP_MS, false)]);
  if (!done) throw new Error(`${scenario}: ${latencies.length} of ${wanted} deliveries came within ${GIVE_UP_MS} ms`);
  latencies.sort((a, b) => a - b);
  return {
    scenario,
    acksPerSecond: events / posted.seconds,
    ackP99Ms: percentile(posted.latenciesMs, 0.99),
    deliveries: wanted,
    deliveriesPerSecond: wanted / ((lastMs - startedMs) / 1000),
    endToEndP50Ms: percentile(latencies, 0.5),
    endToEndP99Ms: percentile(latencies, 0.99),
  };
}

export const SCENARIOS: Scenario[] = [
  {
    name: 'sat',
    about: 'one endpoint, events one by one, as fast as they are accepted',
    run: (target, sink) => outbound('sat', target, sink, { endpoints: 1, events: 10_000 }),
  },
  {
    name: 'fan',
    about: 'every event to ten endpoints',
    run: (target, sink) => outbound('fan', target, sink, { endpoints: 10, events: 1_500 }),
  },
  {
    name: 'batch',
    about: 'one endpoint, events in batches of 500',
    run: (target, sink) =>
      outbound('batch', target, sink, { endpoints: 1, events: 15_000, batch: 500, connections: 2 }),
  },
  {
    name: 'rate',
    about: '200 events a second',
    run: (target, sink) => outbound('rate', target, sink, { endpoints: 1, events: 2_000, perSecond: 200 }),
  },
  {
    name: 'paced',
    about: '20 events a second to ten endpoints',
    run: (target, sink) => outbound('paced', target, sink, { endpoints: 10, events: 200, perSecond: 20 }),
  },
  {
    name: 'slowpaced',
    about: 'the same while one of the ten never answers: the other nine',
    run: (target, sink) =>
      outbound('slowpaced', target, sink, { endpoints: 10, events: 200, perSecond: 20, hanging: 9 }),
  },
  {
    name: 'inbound',
    about: 'POST /api/webhooks/{event_name} with a tenant’s key',
    run: async (target) => {
      const { seconds, latenciesMs } = await post({
        origin: target.url,
        path: '/api/webhooks/bench.received',
        headers: { 'x-tenant-id': target.tenantId, 'x-api-key': target.apiKey },
        body: payload,
        requests: 8_000,
        connections: CONNECTIONS,
      });
      const ackP99Ms = percentile(latenciesMs, 0.99);
      return { scenario: 'inbound', acksPerSecond: latenciesMs.length / seconds, ackP99Ms };
    },
  },
];

/** The limit of Node's own client on this machine, in this minute: the same bytes straight to the receiver. */
export async function bareUndici(sink: Sink): Promise<Measured> {
  const run = ++lastRun;
  sink.hangAt(null);
  sink.onArrival(() => {});
  const load = { origin: sink.url, path: `/w/${run}/0`, headers: {}, body: payload, requests: 20_000 };
  const { seconds } = await post({ ...load, connections: CONNECTIONS });
  return { scenario: 'bare-undici', deliveries: load.requests, deliveriesPerSecond: load.requests / seconds };
}
