import { Injectable } from '@nestjs/common';
import { HotPool } from '../database/hot-pool.js';

export interface Backlog {
  table: string;
  /** Rows whose time has come, counted up to `COUNTED`. */
  overdue: number;
  /** Of these, rows that nobody has taken for longer than a minute. */
  stuck: number;
  /** How long the oldest of them has been due, in seconds. */
  lagS: number;
}

/** More than this is "many": counting a backlog of millions to the last row would add to it. */
export const COUNTED = 10_000;
const STUCK_AFTER_S = 60;

/** Tables whose rows become due, and which of them are open: each has a partial index of that. */
const DUE_TABLES = [
  ['deliveries', `status = 'pending'`],
  ['integration_events', `status in ('received', 'processing')`],
  ['background_jobs', `status in ('queued', 'running')`],
] as const;

const BACKLOG = DUE_TABLES.map(
  ([table, open]) => `
  select '${table}' as table, count(*)::int as overdue,
         count(*) filter (where due_at < $1::timestamptz - interval '${STUCK_AFTER_S} seconds')::int as stuck,
         coalesce(extract(epoch from $1::timestamptz - min(due_at)), 0)::float8 as "lagS"
  from (select due_at from ${table} where ${open} and due_at <= $1 order by due_at limit ${COUNTED}) overdue`,
).join(' union all ');

const SIZES = `
  select c.relname as table, pg_total_relation_size(c.oid)::float8 as bytes, greatest(c.reltuples, 0)::float8 as rows
  from pg_class c
  where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
    and c.relname = any($1)`;

const BUSIEST = `
  select tenant_id as "tenantId", sum(count)::float8 as attempts
  from delivery_stats where hour >= date_trunc('hour', $1::timestamptz)
  group by tenant_id order by attempts desc limit $2`;

/** What the database knows of how the work stands, in statements that stay small however much there is. */
@Injectable()
export class MetricsStore {
  constructor(private readonly hot: HotPool) {}

  backlogAcrossTenants(now: Date): Promise<Backlog[]> {
    return this.hot.query<Backlog & Record<string, unknown>>('metrics-backlog', BACKLOG, [now]);
  }

  /** Sizes with indexes, and rows as Postgres estimates them. */
  sizes(tables: string[]): Promise<{ table: string; bytes: number; rows: number }[]> {
    return this.hot.query('metrics-sizes', SIZES, [tables]);
  }

  /** The tenants with most attempts in this hour, most first. */
  busiestAcrossTenants(now: Date, limit: number): Promise<{ tenantId: string; attempts: number }[]> {
    return this.hot.query('metrics-busiest', BUSIEST, [now, limit]);
  }
}
