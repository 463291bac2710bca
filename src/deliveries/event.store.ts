import { Injectable } from '@nestjs/common';
import { patternsMatching } from '../core/event-pattern.js';
import { newId } from '../core/ids.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { DeliveryRef } from './delivery.store.js';

/** An event on its way into the database. `data` and `metadata` are JSON text. */
export interface NewEvent {
  tenantId: string;
  type: string;
  data: string;
  metadata: string | null;
  channel: string | null;
  orderingKey: string | null;
  occurredAt: Date;
}

export interface StoredEvent {
  id: string;
  createdAt: Date;
  deliveries: StoredDelivery[];
}

export interface StoredDelivery extends DeliveryRef {
  /** Of its subscription; the statement does not apply it. */
  filter: unknown;
}

/** Whom an event went to alone: a test, or something forwarded. It is never made due to others. */
export type Audience = 'direct' | 'test';

export interface EventFilter {
  type?: string;
  since?: Date;
  until?: Date;
}

// Subscriptions are joined here and not before, so that one made a moment ago by another process counts.
// They are matched once for each tenant and type of the batch, not once for each event.
const PUBLISH = `
  with input as (
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
      as i(id, tenant_id, type, patterns, data, metadata, channel, ordering_key, occurred_at)
  ), stored as (
    insert into events (id, tenant_id, type, data, metadata, channel, ordering_key, occurred_at, created_at)
    select id, tenant_id, type, data, metadata, channel, ordering_key, occurred_at, $10 from input
  ), matching as materialized (
    select t.tenant_id, t.type, s.id, s.channels, s.ordered, s.filter
    from (select distinct tenant_id, type, patterns from input) t
    join subscriptions s on s.tenant_id = t.tenant_id and s.enabled and s.event_types && string_to_array(t.patterns, ' ')
      and (s.expires_at is null or s.expires_at > $10)
  ), due as (
    insert into deliveries (id, tenant_id, event_id, subscription_id, sequence_key, due_at, created_at)
    select uuid_v7(), i.tenant_id, i.id, m.id, case when m.ordered then coalesce(i.ordering_key, '') end, $11, $10
    from input i join matching m on m.tenant_id = i.tenant_id and m.type = i.type
    where cardinality(m.channels) = 0 or i.channel = any(m.channels)
    returning id, tenant_id, event_id, subscription_id
  )
  select due.id, due.tenant_id, due.event_id, f.filter
  from due left join (select distinct on (id) id, filter from matching where filter is not null) f on f.id = due.subscription_id`;

@Injectable()
export class EventStore {
  constructor(
    private readonly hot: HotPool,
    private readonly prisma: PrismaService,
  ) {}

  /**
   * Stores events and one pending delivery for each matching subscription, in one statement and so in one commit.
   * @param leaseUntil until then the deliveries belong to the caller; afterwards the due relay takes them
   */
  async publishAcrossTenants(events: NewEvent[], now: Date, leaseUntil: Date): Promise<StoredEvent[]> {
    const { ids, values } = publishValues(events, now, leaseUntil);
    return storedEvents(
      ids,
      now,
      await this.hot.query<DeliveryRow & Record<string, unknown>>('publish', PUBLISH, values),
    );
  }

  /** The same as part of the caller's transaction: the events are there when that commits, and not otherwise. */
  async publishInTransaction(tx: Transaction, events: NewEvent[], now: Date, leaseUntil: Date): Promise<StoredEvent[]> {
    const { ids, values } = publishValues(events, now, leaseUntil);
    return storedEvents(ids, now, await tx.$queryRawUnsafe<DeliveryRow[]>(PUBLISH, ...values));
  }

  /** Whether a subscription of the tenant asks for that type. */
  async isWanted(tenantId: string, type: string): Promise<boolean> {
    return (await this.wantedTypes(this.prisma, tenantId, [type])).has(type);
  }

  /** Those of some event types that a subscription of the tenant asks for. */
  async wantedTypes(tx: Transaction, tenantId: string, types: string[]): Promise<Set<string>> {
    const subscriptions = await tx.subscription.findMany({
      where: { tenantId, enabled: true, eventTypes: { hasSome: types.flatMap(patternsMatching) } },
      select: { eventTypes: true },
    });
    const patterns = new Set(subscriptions.flatMap((subscription) => subscription.eventTypes));
    return new Set(types.filter((type) => patternsMatching(type).some((pattern) => patterns.has(pattern))));
  }

  /** Stores an event that goes to one subscription only, whatever types it asks for (test requests, forwarded ones). */
  publishTo(
    subscriptionId: string,
    event: NewEvent,
    now: Date,
    leaseUntil: Date,
    audience: Audience = 'direct',
  ): Promise<StoredEvent> {
    return this.prisma.inTransaction((tx) =>
      this.publishToInTransaction(tx, subscriptionId, event, now, leaseUntil, audience),
    );
  }

  async publishToInTransaction(
    tx: Transaction,
    subscriptionId: string,
    event: NewEvent,
    now: Date,
    leaseUntil: Date,
    audience: Audience = 'direct',
  ): Promise<StoredEvent> {
    const id = newId();
    const deliveryId = newId();
    const { tenantId, type, data, metadata, channel, orderingKey, occurredAt } = event;
    await tx.event.create({
      data: { id, tenantId, type, data, metadata, channel, orderingKey, audience, occurredAt, createdAt: now },
    });
    await tx.delivery.create({
      data: { id: deliveryId, tenantId, eventId: id, subscriptionId, dueAt: leaseUntil, createdAt: now },
    });
    return { id, createdAt: now, deliveries: [{ tenantId, id: deliveryId, filter: null }] };
  }

  find(tenantId: string, id: string) {
    return this.prisma.event.findUnique({ where: { tenantId_id: { tenantId, id } } });
  }

  /** Newest first. */
  list(tenantId: string, filter: EventFilter, belowId: string | undefined, take: number) {
    return this.prisma.event.findMany({
      where: { tenantId, type: filter.type, id: { lt: belowId }, createdAt: { gte: filter.since, lt: filter.until } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  listDeliveries(tenantId: string, eventId: string) {
    return this.prisma.delivery.findMany({ where: { tenantId, eventId }, orderBy: { id: 'asc' } });
  }
}

interface DeliveryRow {
  id: string;
  tenant_id: string;
  event_id: string;
  filter: unknown;
}

function publishValues(events: NewEvent[], now: Date, leaseUntil: Date): { ids: string[]; values: unknown[] } {
  const ids = events.map(() => newId());
  const values = [
    ids,
    events.map((e) => e.tenantId),
    events.map((e) => e.type),
    events.map((e) => patternsMatching(e.type).join(' ')),
    events.map((e) => e.data),
    events.map((e) => e.metadata),
    events.map((e) => e.channel),
    events.map((e) => e.orderingKey),
    events.map((e) => e.occurredAt),
    now,
    leaseUntil,
  ];
  return { ids, values };
}

function storedEvents(ids: string[], now: Date, rows: DeliveryRow[]): StoredEvent[] {
  const stored = ids.map((id): StoredEvent => ({ id, createdAt: now, deliveries: [] }));
  const byId = new Map(stored.map((event) => [event.id, event]));
  for (const row of rows) {
    byId.get(row.event_id)?.deliveries.push({ tenantId: row.tenant_id, id: row.id, filter: row.filter });
  }
  return stored;
}
