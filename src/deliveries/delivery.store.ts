import { Injectable } from '@nestjs/common';
import type { EventContent } from '../core/delivery-request.js';
import { lowestIdAt, newId } from '../core/ids.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService } from '../database/prisma.service.js';
import type { Attempt, Delivery, DeliveryStatus, Prisma } from '../generated/prisma/client.js';

export type { Attempt, Delivery };

/** Names a delivery wherever one travels: in chunks, jobs and leases. */
export interface DeliveryRef {
  tenantId: string;
  id: string;
}

/** A pending delivery with all that is needed to send it, except its subscription's settings. */
export interface LoadedDelivery extends DeliveryRef {
  subscriptionId: string;
  /** Null: the subscription is gone. */
  subscriptionVersion: number | null;
  attemptCount: number;
  event: EventContent;
}

/** One attempt's row and what it makes of its delivery. */
export interface AttemptRecord extends DeliveryRef {
  subscriptionId: string;
  number: number;
  sentAt: Date;
  durationMs: number;
  outcome: 'delivered' | 'retry' | 'failed';
  statusCode: number | null;
  errorCode: string | null;
  errorMessage: string | null;
  requestHeaders: string;
  responseHeaders: string | null;
  responseBody: string | null;
  /** When the next attempt is due; null when there is none. */
  dueAt: Date | null;
}

export interface DeliveryFilter {
  subscriptionId?: string;
  eventId?: string;
  eventType?: string;
  status?: DeliveryStatus;
  since?: Date;
  until?: Date;
}

const CLAIM = `
  update deliveries d set due_at = $2
  from (
    select tenant_id, id from deliveries
    where status = 'pending' and due_at <= $1
    order by due_at limit $3 for update skip locked
  ) due
  where d.tenant_id = due.tenant_id and d.id = due.id
  returning d.tenant_id as "tenantId", d.id`;

const LOAD = `
  select d.tenant_id, d.id, d.subscription_id, d.attempt_count, d.event_id, e.type, e.data, e.metadata, e.occurred_at, s.version
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  join deliveries d on d.tenant_id = ref.tenant_id and d.id = ref.id
  join events e on e.tenant_id = d.tenant_id and e.id = d.event_id
  left join subscriptions s on s.id = d.subscription_id
  where d.status = 'pending'`;

const SET_DUE = `
  update deliveries d set due_at = $3
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where d.tenant_id = ref.tenant_id and d.id = ref.id and d.status = 'pending'`;

const CANCEL = `
  update deliveries d set status = 'cancelled', due_at = null, completed_at = $3
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where d.tenant_id = ref.tenant_id and d.id = ref.id and d.status = 'pending'`;

// Counters last and in id order: two workers that record at once then lock them in the same order.
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
      attempt_count = d.attempt_count + 1,
      due_at = m.due_at,
      completed_at = case when m.outcome = 'retry' then null else $16::timestamptz end
    from made m
    where d.tenant_id = m.tenant_id and d.id = m.delivery_id and d.status = 'pending'
  )
  insert into subscription_health as c (subscription_id, tenant_id, success_count, failed_count, last_delivery_status, last_delivery_at)
  select subscription_id, tenant_id, count(*) filter (where outcome = 'delivered'), count(*) filter (where outcome = 'failed'),
         case when (array_agg(outcome order by sent_at desc))[1] = 'delivered' then 'success' else 'failed' end, max(sent_at)
  from made group by subscription_id, tenant_id order by subscription_id
  on conflict (subscription_id) do update set
    success_count = c.success_count + excluded.success_count,
    failed_count = c.failed_count + excluded.failed_count,
    last_delivery_status = excluded.last_delivery_status,
    last_delivery_at = excluded.last_delivery_at`;

interface LoadedRow {
  tenant_id: string;
  id: string;
  subscription_id: string;
  attempt_count: number;
  event_id: string;
  type: string;
  data: string;
  metadata: string | null;
  occurred_at: Date;
  version: number | null;
}

const columns = (refs: readonly DeliveryRef[]) => [refs.map((ref) => ref.tenantId), refs.map((ref) => ref.id)];

@Injectable()
export class DeliveryStore {
  constructor(
    private readonly hot: HotPool,
    private readonly prisma: PrismaService,
  ) {}

  /** Leases pending deliveries whose time has come, oldest first; rows another worker is claiming are passed over. */
  async claimDueAcrossTenants(now: Date, leaseUntil: Date, limit: number): Promise<DeliveryRef[]> {
    const claimed = await this.hot.query<{ tenantId: string; id: string }>('claim-due', CLAIM, [
      now,
      leaseUntil,
      limit,
    ]);
    return claimed.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Loads those of a chunk that are still pending. */
  async loadChunkAcrossTenants(refs: readonly DeliveryRef[]): Promise<LoadedDelivery[]> {
    const rows = await this.hot.query<LoadedRow>('load-chunk', LOAD, columns(refs));
    return rows.map((row) => ({
      tenantId: row.tenant_id,
      id: row.id,
      subscriptionId: row.subscription_id,
      subscriptionVersion: row.version,
      attemptCount: row.attempt_count,
      event: { id: row.event_id, type: row.type, data: row.data, metadata: row.metadata, occurredAt: row.occurred_at },
    }));
  }

  /** Renews the lease of held rows, gives rows back (`dueAt` = now), defers them (later) or parks them (null). */
  async setDueAcrossTenants(refs: readonly DeliveryRef[], dueAt: Date | null): Promise<void> {
    await this.hot.query('set-due', SET_DUE, [...columns(refs), dueAt]);
  }

  async cancelAcrossTenants(refs: readonly DeliveryRef[], now: Date): Promise<void> {
    await this.hot.query('cancel', CANCEL, [...columns(refs), now]);
  }

  /** Writes attempts, what they make of their deliveries, and the subscriptions' counters: one statement, one commit. */
  async recordAttemptsAcrossTenants(records: readonly AttemptRecord[], now: Date): Promise<void> {
    await this.hot.query('record', RECORD, [
      records.map(() => newId()),
      records.map((r) => r.tenantId),
      records.map((r) => r.id),
      records.map((r) => r.subscriptionId),
      records.map((r) => r.number),
      records.map((r) => r.sentAt),
      records.map((r) => r.durationMs),
      records.map((r) => r.outcome),
      records.map((r) => r.statusCode),
      records.map((r) => r.errorCode),
      records.map((r) => r.errorMessage),
      records.map((r) => r.requestHeaders),
      records.map((r) => r.responseHeaders),
      records.map((r) => r.responseBody),
      records.map((r) => r.dueAt),
      now,
    ]);
  }

  /** With its attempts, oldest first, both as of one moment: an attempt and what it made of the delivery are seen together. */
  async findWithAttempts(tenantId: string, id: string): Promise<{ delivery: Delivery; attempts: Attempt[] } | null> {
    const [delivery, attempts] = await this.prisma.$transaction(
      [
        this.prisma.delivery.findUnique({ where: { tenantId_id: { tenantId, id } } }),
        this.prisma.attempt.findMany({ where: { tenantId, deliveryId: id }, orderBy: { id: 'asc' } }),
      ],
      { isolationLevel: 'RepeatableRead' },
    );
    return delivery && { delivery, attempts };
  }

  /** Newest first. */
  async list(tenantId: string, filter: DeliveryFilter, belowId: string | undefined, take: number) {
    const where: Prisma.DeliveryWhereInput = {
      tenantId,
      subscriptionId: filter.subscriptionId,
      eventId: filter.eventId,
      status: filter.status,
      id: { lt: belowId },
      createdAt: { gte: filter.since, lt: filter.until },
    };
    if (filter.eventType === undefined) return this.prisma.delivery.findMany({ where, orderBy: { id: 'desc' }, take });
    return this.listOfType(tenantId, filter, belowId, take);
  }

  /** Deliveries hold no event type of their own: the narrow row matters more than this filter's speed. */
  private listOfType(tenantId: string, filter: DeliveryFilter, belowId: string | undefined, take: number) {
    return this.prisma.$queryRaw<Delivery[]>`
      select d.id, d.tenant_id as "tenantId", d.event_id as "eventId", d.subscription_id as "subscriptionId", d.status,
             d.attempt_count as "attemptCount", d.due_at as "dueAt", d.created_at as "createdAt", d.completed_at as "completedAt"
      from deliveries d join events e on e.tenant_id = d.tenant_id and e.id = d.event_id
      where d.tenant_id = ${tenantId}::uuid and e.type = ${filter.eventType}
        and (${filter.subscriptionId ?? null}::uuid is null or d.subscription_id = ${filter.subscriptionId ?? null}::uuid)
        and (${filter.eventId ?? null}::uuid is null or d.event_id = ${filter.eventId ?? null}::uuid)
        and (${filter.status ?? null}::text is null or d.status::text = ${filter.status ?? null})
        and (${filter.since ?? null}::timestamptz is null or d.created_at >= ${filter.since ?? null})
        and d.created_at < ${filter.until ?? new Date(8.64e15)}
        and d.id < ${belowId ?? lowestIdAt(new Date(2 ** 48 - 1))}::uuid
      order by d.id desc limit ${take}`;
  }

  /** Event types of some deliveries, by event id. */
  async eventTypes(tenantId: string, eventIds: string[]): Promise<Map<string, string>> {
    const events = await this.prisma.event.findMany({
      where: { tenantId, id: { in: eventIds } },
      select: { id: true, type: true },
    });
    return new Map(events.map((event) => [event.id, event.type]));
  }

  /** Oldest first. */
  listAttempts(tenantId: string, deliveryIds: string[]) {
    return this.prisma.attempt.findMany({
      where: { tenantId, deliveryId: { in: deliveryIds } },
      orderBy: { id: 'asc' },
    });
  }

  /** Makes a finished or waiting delivery pending and leases it to the caller. */
  async reopen(tenantId: string, id: string, leaseUntil: Date): Promise<boolean> {
    const { count } = await this.prisma.delivery.updateMany({
      where: { tenantId, id, status: { in: ['pending', 'failed', 'succeeded'] } },
      data: { status: 'pending', dueAt: leaseUntil, completedAt: null },
    });
    return count === 1;
  }
}
