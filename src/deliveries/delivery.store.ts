import { Injectable } from '@nestjs/common';
import type { EndpointVerdict } from '../core/attempt-outcome.js';
import type { EventContent } from '../core/delivery-request.js';
import { lowestIdAt } from '../core/ids.js';
import { uuids } from '../database/array-params.js';
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
  /** Its subscription's filter has been looked at. */
  wanted: boolean;
  /** Set for ordered subscriptions: deliveries with the same one wait for each other. */
  sequenceKey: string | null;
  /** An earlier one of its sequence is not finished. */
  blocked: boolean;
  /** The endpoint is left alone until then; in the past: a probe is due. Null: all is well. */
  pausedUntil: Date | null;
  event: EventContent;
}

/** One attempt's row and what it makes of its delivery. */
export interface AttemptRecord extends DeliveryRef {
  subscriptionId: string;
  number: number;
  sentAt: Date;
  durationMs: number;
  outcome: 'delivered' | 'retry' | 'held' | 'failed';
  eventId: string;
  eventType: string;
  sequenceKey: string | null;
  verdict: EndpointVerdict;
  /** It was sent to see whether the endpoint is back. */
  probe: boolean;
  statusCode: number | null;
  errorCode: string | null;
  errorMessage: string | null;
  requestHeaders: string;
  responseHeaders: string | null;
  responseBody: string | null;
  /** When the next attempt is due; null when there is none. */
  dueAt: Date | null;
}

export interface ParkedSubscription extends Record<string, unknown> {
  tenantId: string;
  subscriptionId: string;
  /** Its pause is over: one row finds out whether the endpoint is back. */
  probe: boolean;
  ratePerSecond: number | null;
}

export interface DeliveryFilter {
  subscriptionId?: string;
  eventId?: string;
  eventType?: string;
  status?: DeliveryStatus;
  since?: Date;
  until?: Date;
}

/**
 * Of a delivery that is found by its id. As text, so that no index over the pending ones is taken for the way to find it: it is
 * nearly empty when statistics are made, and full of dead entries when it is read.
 */
export const STILL_PENDING = "d.status::text = 'pending'";

/** What is loaded of the deliveries that a statement calls `d`. */
const LOADED = `
  select d.tenant_id, d.id, d.subscription_id, d.attempt_count, d.event_id, d.sequence_key, e.type, e.data, e.metadata, e.occurred_at,
         s.version, h.paused_until,
         d.sequence_key is not null and exists (
           select 1 from deliveries earlier
           where earlier.subscription_id = d.subscription_id and earlier.sequence_key = d.sequence_key
             and earlier.status = 'pending' and earlier.event_id < d.event_id) as blocked`;
// The event is looked up for its delivery alone. As a plain join, planned while the tables were empty, it read all events of the
// tenant for each delivery.
const LOADED_FROM = `
  cross join lateral (select * from events where tenant_id = d.tenant_id and id = d.event_id limit 1) e
  left join subscriptions s on s.id = d.subscription_id
  left join subscription_health h on h.subscription_id = d.subscription_id`;

const LOAD = `
  ${LOADED}
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  join deliveries d on d.tenant_id = ref.tenant_id and d.id = ref.id
  ${LOADED_FROM}
  where ${STILL_PENDING}`;

/** Leases the rows that `due` selects, and loads them: one statement. */
const claim = (due: string) => `
  with due as (${due} for update skip locked), d as (
    update deliveries c set due_at = $2 from due where c.tenant_id = due.tenant_id and c.id = due.id
    returning c.tenant_id, c.id, c.subscription_id, c.attempt_count, c.event_id, c.sequence_key
  )
  ${LOADED}
  from d
  ${LOADED_FROM}
  order by d.id`;

const CLAIM = claim(`
  select tenant_id, id from deliveries where status = 'pending' and due_at <= $1 order by due_at limit $3`);

// Of the oldest parked rows those whose turn it is: the others are woken by the ones before them.
const CLAIM_PARKED = claim(`
  select w.tenant_id, w.id from deliveries w
  join (
    select tenant_id, id from deliveries
    where subscription_id = $1 and status = 'pending' and due_at is null order by id limit $3
  ) oldest on oldest.tenant_id = w.tenant_id and oldest.id = w.id
  where w.status = 'pending' and w.due_at is null and (w.sequence_key is null or not exists (
    select 1 from deliveries earlier
    where earlier.subscription_id = w.subscription_id and earlier.sequence_key = w.sequence_key
      and earlier.status = 'pending' and earlier.event_id < w.event_id))`).replace(
  'for update skip locked',
  'for update of w skip locked',
);

// From one subscription to the next through the index: their number counts, not that of the rows they have parked.
const PARKED_SUBSCRIPTIONS = `
  with recursive parked as (
    (select tenant_id, subscription_id from deliveries where status = 'pending' and due_at is null
     order by subscription_id limit 1)
    union all
    select next.tenant_id, next.subscription_id from parked cross join lateral (
      select d.tenant_id, d.subscription_id from deliveries d
      where d.status = 'pending' and d.due_at is null and d.subscription_id > parked.subscription_id
      order by d.subscription_id limit 1) next
  )
  select parked.tenant_id as "tenantId", parked.subscription_id as "subscriptionId", h.paused_until is not null as "probe",
         s.rate_per_second as "ratePerSecond"
  from parked
  left join subscriptions s on s.id = parked.subscription_id
  left join subscription_health h on h.subscription_id = s.id
  where (s.id is null or s.enabled and (s.expires_at is null or s.expires_at > $1)) and (h.paused_until is null or h.paused_until <= $1)`;

const SET_DUE = `
  update deliveries d set due_at = $3
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where d.tenant_id = ref.tenant_id and d.id = ref.id and ${STILL_PENDING}`;

const CLAIM_NEXT = `
  update deliveries d set due_at = $3
  from (
    select tenant_id, id from deliveries
    where subscription_id = $1 and sequence_key = $2 and status = 'pending'
    order by event_id limit 1 for update
  ) next
  where d.tenant_id = next.tenant_id and d.id = next.id and (d.due_at is null or d.due_at <= $4)
  returning d.tenant_id as "tenantId", d.id`;

const DISCARD = `
  delete from deliveries d using unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where d.tenant_id = ref.tenant_id and d.id = ref.id and ${STILL_PENDING} and d.attempt_count = 0`;

const CANCEL = `
  update deliveries d set status = 'cancelled', due_at = null, completed_at = $3
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where d.tenant_id = ref.tenant_id and d.id = ref.id and ${STILL_PENDING}`;

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
  sequence_key: string | null;
  blocked: boolean;
  paused_until: Date | null;
}

/** Deliveries of one event share one object for it: its body is made once. */
function loadedDeliveries(rows: LoadedRow[]): LoadedDelivery[] {
  const events = new Map<string, EventContent>();
  return rows.map((row) => {
    const { event_id: id, type, data, metadata, occurred_at: occurredAt } = row;
    const event = events.get(id) ?? { id, type, data, metadata, occurredAt };
    events.set(id, event);
    return {
      tenantId: row.tenant_id,
      id: row.id,
      subscriptionId: row.subscription_id,
      subscriptionVersion: row.version,
      attemptCount: row.attempt_count,
      wanted: row.attempt_count > 0,
      sequenceKey: row.sequence_key,
      blocked: row.blocked,
      pausedUntil: row.paused_until,
      event,
    };
  });
}

const columns = (refs: readonly DeliveryRef[]) => [
  uuids(refs.map((ref) => ref.tenantId)),
  uuids(refs.map((ref) => ref.id)),
];

@Injectable()
export class DeliveryStore {
  constructor(
    private readonly hot: HotPool,
    private readonly prisma: PrismaService,
  ) {}

  /** Leases pending deliveries whose time has come, oldest first; rows another worker is claiming are passed over. */
  async claimDueAcrossTenants(now: Date, leaseUntil: Date, limit: number): Promise<LoadedDelivery[]> {
    return loadedDeliveries(await this.hot.query<LoadedRow>('claim-due', CLAIM, [now, leaseUntil, limit]));
  }

  /** Leases parked deliveries of one subscription, oldest first. */
  async claimParkedAcrossTenants(subscriptionId: string, leaseUntil: Date, limit: number): Promise<LoadedDelivery[]> {
    const values = [subscriptionId, leaseUntil, limit];
    return loadedDeliveries(await this.hot.query<LoadedRow>('claim-parked', CLAIM_PARKED, values));
  }

  /** The subscriptions that have parked deliveries and are not left alone now. */
  parkedSubscriptionsAcrossTenants(now: Date): Promise<ParkedSubscription[]> {
    return this.hot.query('parked-subscriptions', PARKED_SUBSCRIPTIONS, [now]);
  }

  /** Loads those of a chunk that are still pending. */
  async loadChunkAcrossTenants(refs: readonly DeliveryRef[]): Promise<LoadedDelivery[]> {
    return loadedDeliveries(await this.hot.query<LoadedRow>('load-chunk', LOAD, columns(refs)));
  }

  /** Renews the lease of held rows, gives rows back (`dueAt` = now), defers them (later) or parks them (null). */
  async setDueAcrossTenants(refs: readonly DeliveryRef[], dueAt: Date | null): Promise<void> {
    if (refs.length > 0) await this.hot.query('set-due', SET_DUE, [...columns(refs), dueAt]);
  }

  async cancelAcrossTenants(refs: readonly DeliveryRef[], now: Date): Promise<void> {
    await this.hot.query('cancel', CANCEL, [...columns(refs), now]);
  }

  /** The next one of a sequence, leased to the caller; null when none waits, or another holds it: that one goes on with it. */
  async claimNextInSequence(
    subscriptionId: string,
    sequenceKey: string,
    now: Date,
    leaseUntil: Date,
  ): Promise<DeliveryRef | null> {
    const [next] = await this.hot.query<{ tenantId: string; id: string }>('claim-next', CLAIM_NEXT, [
      subscriptionId,
      sequenceKey,
      leaseUntil,
      now,
    ]);
    return next ?? null;
  }

  /** Removes deliveries that were never to be: their subscription's filter does not match. */
  async discardAcrossTenants(refs: readonly DeliveryRef[]): Promise<void> {
    await this.hot.query('discard', DISCARD, columns(refs));
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
    if (!delivery) return null;
    const [shown] = await this.withPauses(tenantId, [delivery]);
    return { delivery: shown as Delivery, attempts };
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
    const rows =
      filter.eventType === undefined
        ? await this.prisma.delivery.findMany({ where, orderBy: { id: 'desc' }, take })
        : await this.listOfType(tenantId, filter, belowId, take);
    return this.withPauses(tenantId, rows);
  }

  /** A delivery that is parked because its endpoint is left alone is due when that ends: so it is shown. */
  async withPauses(tenantId: string, rows: Delivery[]): Promise<Delivery[]> {
    const parked = rows.filter((row) => row.status === 'pending' && row.dueAt === null);
    if (parked.length === 0) return rows;
    const ids = [...new Set(parked.map((row) => row.subscriptionId))];
    const pauses = await this.prisma.$queryRaw<{ id: string; pausedUntil: Date }[]>`
      select s.id, h.paused_until as "pausedUntil" from subscriptions s join subscription_health h on h.subscription_id = s.id
      where s.tenant_id = ${tenantId}::uuid and s.id = any(${ids}::uuid[]) and s.enabled and h.paused_until is not null`;
    const until = new Map(pauses.map(({ id, pausedUntil }) => [id, pausedUntil]));
    const shown = (row: Delivery) => ({ ...row, dueAt: until.get(row.subscriptionId) ?? null });
    return rows.map((row) => (row.status === 'pending' && row.dueAt === null ? shown(row) : row));
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
