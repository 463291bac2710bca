import { Injectable } from '@nestjs/common';
import type { EndpointVerdict } from '../core/attempt-outcome.js';
import type { EventContent } from '../core/delivery-request.js';
import { lowestIdAt } from '../core/ids.js';
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
  select d.tenant_id, d.id, d.subscription_id, d.attempt_count, d.event_id, d.sequence_key, e.type, e.data, e.metadata, e.occurred_at,
         s.version, h.paused_until,
         d.sequence_key is not null and exists (
           select 1 from deliveries earlier
           where earlier.subscription_id = d.subscription_id and earlier.sequence_key = d.sequence_key
             and earlier.status = 'pending' and earlier.event_id < d.event_id) as blocked
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  join deliveries d on d.tenant_id = ref.tenant_id and d.id = ref.id
  join events e on e.tenant_id = d.tenant_id and e.id = d.event_id
  left join subscriptions s on s.id = d.subscription_id
  left join subscription_health h on h.subscription_id = d.subscription_id
  where d.status = 'pending'`;

const SET_DUE = `
  update deliveries d set due_at = $3
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where d.tenant_id = ref.tenant_id and d.id = ref.id and d.status = 'pending'`;

const CLAIM_NEXT = `
  update deliveries d set due_at = $3
  from (
    select tenant_id, id from deliveries
    where subscription_id = $1 and sequence_key = $2 and status = 'pending'
    order by event_id limit 1 for update
  ) next
  where d.tenant_id = next.tenant_id and d.id = next.id
  returning d.tenant_id as "tenantId", d.id`;

const DISCARD = `
  delete from deliveries d using unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where d.tenant_id = ref.tenant_id and d.id = ref.id and d.status = 'pending' and d.attempt_count = 0`;

const CANCEL = `
  update deliveries d set status = 'cancelled', due_at = null, completed_at = $3
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where d.tenant_id = ref.tenant_id and d.id = ref.id and d.status = 'pending'`;

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
      sequenceKey: row.sequence_key,
      blocked: row.blocked,
      pausedUntil: row.paused_until,
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

  /** The next one of a sequence, leased to the caller; null when none waits. */
  async claimNextInSequence(
    subscriptionId: string,
    sequenceKey: string,
    leaseUntil: Date,
  ): Promise<DeliveryRef | null> {
    const [next] = await this.hot.query<{ tenantId: string; id: string }>('claim-next', CLAIM_NEXT, [
      subscriptionId,
      sequenceKey,
      leaseUntil,
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
