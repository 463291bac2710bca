import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { bucketOf } from '../core/latency-buckets.js';
import { bigints, integers, smallints, texts, timestamps, uuids } from '../database/array-params.js';
import { HotPool } from '../database/hot-pool.js';
import { type AttemptRecord, STILL_PENDING } from './delivery.store.js';

// Health and statistics are locked in the order of their keys: two workers that record at once cannot wait for each other in
// a circle. A held attempt is on record and does not count towards the schedule.
const RECORD = `
  with made as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::smallint[], $6::timestamptz[], $7::int[], $8::text[],
                         $9::smallint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[])
      as m(attempt_id, tenant_id, delivery_id, subscription_id, number, sent_at, duration_ms, outcome,
           status_code, error_code, error_message, request_headers, response_headers, response_body, due_at)
  ), attempted as (
    insert into attempts (id, tenant_id, delivery_id, number, sent_at, duration_ms, outcome, status_code, error_code, error_message,
                          request_headers, response_headers, response_body)
    select attempt_id, tenant_id, delivery_id, number, sent_at, duration_ms, outcome, status_code, error_code, error_message,
           request_headers, response_headers, response_body from made
  ), updated as (
    update deliveries d set
      status = case m.outcome when 'delivered' then 'succeeded' when 'failed' then 'failed' else 'pending' end::delivery_status,
      attempt_count = d.attempt_count + case m.outcome when 'held' then 0 else 1 end,
      due_at = m.due_at,
      completed_at = case when m.outcome in ('delivered', 'failed') then $16::timestamptz end
    from made m
    where d.tenant_id = m.tenant_id and d.id = m.delivery_id and ${STILL_PENDING}
  ), counted as (
    insert into delivery_stats as t (tenant_id, subscription_id, hour, event_type, outcome, bucket, count)
    select * from unnest($17::uuid[], $18::uuid[], $19::timestamptz[], $20::text[], $21::text[], $22::smallint[], $23::bigint[])
    on conflict (tenant_id, subscription_id, hour, event_type, outcome, bucket) do update set count = t.count + excluded.count
  )
  insert into subscription_health as h
    (subscription_id, tenant_id, success_count, failed_count, last_delivery_status, last_delivery_at, last_success_at)
  select * from unnest($24::uuid[], $25::uuid[], $26::bigint[], $27::bigint[], $28::text[], $29::timestamptz[], $30::timestamptz[])
  on conflict (subscription_id) do update set
    success_count = h.success_count + excluded.success_count,
    failed_count = h.failed_count + excluded.failed_count,
    last_delivery_status = excluded.last_delivery_status,
    last_delivery_at = excluded.last_delivery_at,
    last_success_at = coalesce(excluded.last_success_at, h.last_success_at),
    consecutive_failures = case when excluded.last_success_at is null then h.consecutive_failures else 0 end,
    failing_since = case when excluded.last_success_at is null then h.failing_since end`;

const HOUR_MS = 3_600_000;

@Injectable()
export class AttemptStore {
  constructor(private readonly hot: HotPool) {}

  /** Writes attempts, what they make of their deliveries, statistics and the subscriptions' totals: one statement, one commit. */
  async recordAcrossTenants(records: readonly AttemptRecord[], now: Date): Promise<void> {
    const stats = statRows(records);
    const totals = totalRows(records);
    await this.hot.query('record', RECORD, [
      uuids(records.map(() => newId())),
      uuids(records.map((r) => r.tenantId)),
      uuids(records.map((r) => r.id)),
      uuids(records.map((r) => r.subscriptionId)),
      smallints(records.map((r) => r.number)),
      timestamps(records.map((r) => r.sentAt)),
      integers(records.map((r) => r.durationMs)),
      texts(records.map((r) => r.outcome)),
      smallints(records.map((r) => r.statusCode)),
      texts(records.map((r) => r.errorCode)),
      texts(records.map((r) => r.errorMessage)),
      texts(records.map((r) => r.requestHeaders)),
      texts(records.map((r) => r.responseHeaders)),
      texts(records.map((r) => r.responseBody)),
      timestamps(records.map((r) => r.dueAt)),
      now,
      uuids(stats.map((row) => row.tenantId)),
      uuids(stats.map((row) => row.subscriptionId)),
      timestamps(stats.map((row) => row.hour)),
      texts(stats.map((row) => row.eventType)),
      texts(stats.map((row) => row.outcome)),
      smallints(stats.map((row) => row.bucket)),
      bigints(stats.map((row) => row.count)),
      uuids(totals.map((row) => row.subscriptionId)),
      uuids(totals.map((row) => row.tenantId)),
      bigints(totals.map((row) => row.delivered)),
      bigints(totals.map((row) => row.failed)),
      texts(totals.map((row) => row.lastStatus)),
      timestamps(totals.map((row) => row.lastAt)),
      timestamps(totals.map((row) => row.lastSuccessAt)),
    ]);
  }
}

function statRows(records: readonly AttemptRecord[]) {
  const rows = new Map<
    string,
    {
      tenantId: string;
      subscriptionId: string;
      hour: Date;
      eventType: string;
      outcome: string;
      bucket: number;
      count: number;
    }
  >();
  for (const { tenantId, subscriptionId, eventType, outcome, durationMs, sentAt } of records) {
    const hourMs = Math.floor(sentAt.getTime() / HOUR_MS) * HOUR_MS;
    const bucket = bucketOf(durationMs);
    const key = `${tenantId}/${subscriptionId}/${hourMs}/${eventType}/${outcome}/${bucket}`;
    const row = rows.get(key);
    if (row) row.count++;
    else rows.set(key, { tenantId, subscriptionId, hour: new Date(hourMs), eventType, outcome, bucket, count: 1 });
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function totalRows(records: readonly AttemptRecord[]) {
  const rows = new Map<
    string,
    {
      tenantId: string;
      subscriptionId: string;
      delivered: number;
      failed: number;
      lastStatus: string;
      lastAt: Date;
      lastSuccessAt: Date | null;
    }
  >();
  for (const { tenantId, subscriptionId, outcome, sentAt } of records) {
    const row = rows.get(subscriptionId) ?? {
      tenantId,
      subscriptionId,
      delivered: 0,
      failed: 0,
      lastStatus: '',
      lastAt: sentAt,
      lastSuccessAt: null,
    };
    rows.set(subscriptionId, row);
    if (outcome === 'failed') row.failed++;
    if (outcome === 'delivered') {
      row.delivered++;
      row.lastSuccessAt = sentAt;
    }
    row.lastStatus = outcome === 'delivered' ? 'success' : 'failed';
    row.lastAt = sentAt;
  }
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}
