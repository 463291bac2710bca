import { Injectable } from '@nestjs/common';
import { lowestIdAt } from '../core/ids.js';
import { HotPool } from '../database/hot-pool.js';

/** What one statement removed: it looked at rows up to `lastId`, and there may be more after it. */
export interface Removed {
  rows: number;
  lastId: string | null;
}

// Ids are made in the order of time, so "older than" is a range of the primary key. Each statement begins after the row where the
// one before it ended: rows that must stay are passed once in a round and not again for every batch. Rows another process holds are
// left to it.
const SWEEPS = {
  /** A delivery that is still due is not history, however old it is. */
  deliveries: `
    with old as (
      select id, status from deliveries where tenant_id = $1 and id > $2 and id < $3 order by id limit $4 for update skip locked
    ), gone as (
      delete from deliveries d using old where d.tenant_id = $1 and d.id = old.id and old.status <> 'pending' returning d.id
    ), with_them as (
      delete from attempts a using gone where a.tenant_id = $1 and a.delivery_id = gone.id
    )
    select (select count(*) from gone)::int as rows, (select max(id::text) from old) as "lastId"`,
  /** An event stays while a delivery of it does. */
  events: `
    with old as (
      select id from events where tenant_id = $1 and id > $2 and id < $3 order by id limit $4 for update skip locked
    ), gone as (
      delete from events e using old
      where e.tenant_id = $1 and e.id = old.id and not exists (select 1 from deliveries d where d.event_id = e.id)
      returning 1
    )
    select (select count(*) from gone)::int as rows, (select max(id::text) from old) as "lastId"`,
  inboundEvents: `
    with old as (
      select id, status from integration_events where tenant_id = $1 and id > $2 and id < $3 order by id limit $4
      for update skip locked
    ), gone as (
      delete from integration_events e using old
      where e.tenant_id = $1 and e.id = old.id and old.status not in ('received', 'processing') returning e.id
    ), with_them as (
      delete from inbound_attempts a using gone where a.tenant_id = $1 and a.event_id = gone.id
    )
    select (select count(*) from gone)::int as rows, (select max(id::text) from old) as "lastId"`,
  /** A task that waits is not history. */
  tasks: `
    with old as (
      select id, status from automation_tasks where tenant_id = $1 and id > $2 and id < $3 order by id limit $4
      for update skip locked
    ), gone as (
      delete from automation_tasks t using old
      where t.tenant_id = $1 and t.id = old.id and old.status <> 'pending' returning 1
    )
    select (select count(*) from gone)::int as rows, (select max(id::text) from old) as "lastId"`,
  jobs: `
    with old as (
      select id, status from background_jobs where tenant_id = $1 and id > $2 and id < $3 order by id limit $4
      for update skip locked
    ), gone as (
      delete from background_jobs j using old
      where j.tenant_id = $1 and j.id = old.id and old.status not in ('queued', 'running') returning 1
    )
    select (select count(*) from gone)::int as rows, (select max(id::text) from old) as "lastId"`,
} as const;

export type Swept = keyof typeof SWEEPS;
/** In this order: what an event has goes before it. */
export const SWEPT = Object.keys(SWEEPS) as Swept[];

const REMOVE_STATS = `
  delete from delivery_stats where ctid = any(array(
    select ctid from delivery_stats where tenant_id = $1 and hour < $2 limit $3
  ))`;

@Injectable()
export class RetentionStore {
  constructor(private readonly hot: HotPool) {}

  /** Removes rows that were made before a time, at most `limit`, going on after `afterId`. */
  async removeSome(tenantId: string, what: Swept, madeBefore: Date, afterId: string | null, limit: number) {
    const from = afterId ?? lowestIdAt(new Date(0));
    const values = [tenantId, from, lowestIdAt(madeBefore), limit];
    const [removed] = await this.hot.query<Removed & Record<string, unknown>>(`retain-${what}`, SWEEPS[what], values);
    return removed as Removed;
  }

  async removeStats(tenantId: string, before: Date, limit: number): Promise<void> {
    await this.hot.query('retain-stats', REMOVE_STATS, [tenantId, before, limit]);
  }
}
