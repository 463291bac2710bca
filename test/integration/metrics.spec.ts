import { readFile } from 'node:fs/promises';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp(), startReceiver()]);
  api = Api.of(app);
});
afterAll(() => Promise.all([app.close(), receiver.close()]));

async function scrape(): Promise<string> {
  const { text, headers } = await request(app.url).get('/metrics').expect(200);
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  return text;
}

/** The value of a series, as `name{label="…"}`; 0 when it has not been counted yet. */
function seriesValue(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return line ? Number(line.split(' ').at(-1)) : 0;
}

describe('metrics', () => {
  it('count what is accepted, attempted and refused, and say how the work stands', async () => {
    const before = await scrape();
    await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['counted.*'] }, 201);
    receiver.respondWith([500, 200]);
    await api.post(
      '/api/v1/events/batch',
      [1, 2].map((n) => ({ type: 'counted.thing', data: { n } })),
      202,
    );
    await request(app.url).get('/api/v1/events').expect(401);

    const more = (text: string, series: string) => seriesValue(text, series) - seriesValue(before, series);
    await eventually(async () => {
      const after = await scrape();
      expect(more(after, 'posthaste_events_accepted_total')).toBe(2);
      expect(more(after, 'posthaste_deliveries_created_total')).toBe(2);
      expect(more(after, 'posthaste_attempts_total{outcome="delivered"}')).toBe(1);
      expect(more(after, 'posthaste_attempts_total{outcome="retry"}')).toBe(1);
      expect(more(after, 'posthaste_attempt_failures_total{reason="5xx"}')).toBe(1);
      expect(more(after, 'posthaste_http_requests_total{method="GET",route="/api/v1/events",status="4xx"}')).toBe(1);
      expect(seriesValue(after, `posthaste_tenant_attempts_this_hour{tenant="${app.tenant.id}"}`)).toBe(2);
    });
  });

  it('tell of rows that are due and that nobody takes', async () => {
    const withoutWorker = await startTestApp({ config: { ROLES: 'api' } });
    try {
      await withoutWorker.database.query(
        `insert into deliveries (id, tenant_id, event_id, subscription_id, due_at, created_at)
         select uuid_v7(), $1, uuid_v7(), uuid_v7(), now() - age, now()
         from unnest(array[interval '1 hour', interval '5 seconds', interval '-1 hour']) as age`,
        [withoutWorker.tenant.id],
      );
      const { text } = await request(withoutWorker.url).get('/metrics').expect(200);
      expect(seriesValue(text, 'posthaste_overdue_rows{table="deliveries"}')).toBe(2);
      expect(seriesValue(text, 'posthaste_stuck_rows{table="deliveries"}')).toBe(1);
      expect(seriesValue(text, 'posthaste_due_lag_seconds{table="deliveries"}')).toBeGreaterThanOrEqual(3600);
      expect(text).toContain('posthaste_stuck_rows{table="integration_events"} 0');
      expect(seriesValue(text, 'posthaste_table_bytes{table="deliveries"}')).toBeGreaterThan(0);
    } finally {
      await withoutWorker.close();
    }
  });

  it('name every series that the dashboard and the alert rules ask for', async () => {
    const text = await scrape();
    const asked =
      (await readFile('ops/grafana-dashboard.json', 'utf8')) + (await readFile('ops/prometheus-alerts.yml', 'utf8'));
    const names = new Set([...asked.matchAll(/posthaste_[a-z0-9_]+/g)].map(([name]) => name.replace(/_bucket$/, '')));
    expect(names.size).toBeGreaterThan(15);
    const known = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    expect([...names].filter((name) => !known.has(name))).toEqual([]);
  });

  it('are shown with METRICS_TOKEN to its holder, and without it to this machine', async () => {
    const closed = await startTestApp({
      database: app.database,
      config: { METRICS_TOKEN: 'token-of-the-metrics' },
    });
    const behindProxy = await startTestApp({ database: app.database, config: { TRUST_PROXY: 'true' } });
    try {
      await request(closed.url).get('/metrics').expect(401);
      await request(closed.url).get('/metrics').auth('another', { type: 'bearer' }).expect(401);
      await request(closed.url).get('/metrics').auth('token-of-the-metrics', { type: 'bearer' }).expect(200);
      await request(behindProxy.url).get('/metrics').set('x-forwarded-for', '203.0.113.9').expect(403);
    } finally {
      await Promise.all([closed.close(), behindProxy.close()]);
    }
  });

  it('are there in a process that only works', async () => {
    const worker = await startTestApp({ database: app.database, config: { ROLES: 'worker' } });
    try {
      await request(worker.url).get('/metrics').expect(200);
    } finally {
      await worker.close();
    }
  });
});
