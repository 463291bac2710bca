import { Injectable } from '@nestjs/common';
import type { EventContent } from '../core/delivery-request.js';
import { patternsMatching } from '../core/event-pattern.js';
import { newId } from '../core/ids.js';
import { texts, timestamps, uuids } from '../database/array-params.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { DeliveryRef, LoadedDelivery } from './delivery.store.js';

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
  deliveries: DeliveryRef[];
}

/** Stored and committed, with all that is needed to send its deliveries: who sends them at once need not read them again. */
export interface PublishedEvent extends StoredEvent {
  deliveries: PublishedDelivery[];
}

export interface PublishedDelivery extends LoadedDelivery {
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
    select t.tenant_id, t.type, s.id, s.version, s.channels, s.ordered, s.filter, h.paused_until
    from (select distinct tenant_id, type, patterns from input) t
    join subscriptions s on s.tenant_id = t.tenant_id and s.enabled and s.event_types && string_to_array(t.patterns, ' ')
      and (s.expires_at is null or s.expires_at > $10)
    left join subscription_health h on h.subscription_id = s.id
  ), due as materialized (
    select uuid_v7() as id, i.tenant_id, i.id as event_id, m.id as subscription_id, m.version, m.filter, m.paused_until,
           case when m.ordered then coalesce(i.ordering_key, '') end as sequence_key
    from input i join matching m on m.tenant_id = i.tenant_id and m.type = i.type
    where cardinality(m.channels) = 0 or i.channel = any(m.channels)
  ), made_due as (
    insert into deliveries (id, tenant_id, event_id, subscription_id, sequence_key, due_at, created_at)
    select id, tenant_id, event_id, subscription_id, sequence_key, case when paused_until > $10 then null else $11::timestamptz end, $10
    from due
  )
  select id, event_id, subscription_id, sequence_key, version, filter, paused_until from due`;

@Injectable()
export class EventStore {
  constructor(
    private readonly hot: HotPool,
    private readonly prisma: PrismaService,
  ) {}

  /**
   * Stores events and one pending delivery for each matching subscription, in one statement and so in one commit.
   * Those of an endpoint that is left alone are parked.
   * @param leaseUntil until then the deliveries belong to the caller; afterwards the due relay takes them. Null parks them
   */
  async publishAcrossTenants(events: NewEvent[], now: Date, leaseUntil: Date | null): Promise<PublishedEvent[]> {
    const { ids, values } = publishValues(events, now, leaseUntil, { uuids, texts, timestamps });
    return publishedEvents(events, ids, now, await this.hot.query<DeliveryRow>('publish', PUBLISH, values));
  }

  /** The same as part of the caller's transaction: the events are there when that commits, and not otherwise. */
  async publishInTransaction(tx: Transaction, events: NewEvent[], now: Date, leaseUntil: Date): Promise<StoredEvent[]> {
    const { ids, values } = publishValues(events, now, leaseUntil, PLAIN);
    return publishedEvents(events, ids, now, await tx.$queryRawUnsafe<DeliveryRow[]>(PUBLISH, ...values));
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
    return { id, createdAt: now, deliveries: [{ tenantId, id: deliveryId }] };
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

interface DeliveryRow extends Record<string, unknown> {
  id: string;
  event_id: string;
  subscription_id: string;
  sequence_key: string | null;
  version: number;
  filter: unknown;
  paused_until: Date | null;
}

/** How columns become parameters: through Prisma as they are. */
interface ColumnFormat {
  uuids: (values: string[]) => unknown;
  texts: (values: (string | null)[]) => unknown;
  timestamps: (values: Date[]) => unknown;
}
const asItIs = <T>(values: T) => values;
const PLAIN: ColumnFormat = { uuids: asItIs, texts: asItIs, timestamps: asItIs };

function publishValues(events: NewEvent[], now: Date, leaseUntil: Date | null, format: ColumnFormat) {
  const ids = events.map(() => newId());
  const values = [
    format.uuids(ids),
    format.uuids(events.map((e) => e.tenantId)),
    format.texts(events.map((e) => e.type)),
    format.texts(events.map((e) => patternsMatching(e.type).join(' '))),
    format.texts(events.map((e) => e.data)),
    format.texts(events.map((e) => e.metadata)),
    format.texts(events.map((e) => e.channel)),
    format.texts(events.map((e) => e.orderingKey)),
    format.timestamps(events.map((e) => e.occurredAt)),
    now,
    leaseUntil,
  ];
  return { ids, values };
}

function publishedEvents(events: NewEvent[], ids: string[], now: Date, rows: DeliveryRow[]): PublishedEvent[] {
  const contents = new Map<string, EventContent & { tenantId: string; deliveries: PublishedDelivery[] }>();
  const published = events.map(({ tenantId, type, data, metadata, occurredAt }, i): PublishedEvent => {
    const id = ids[i] as string;
    const deliveries: PublishedDelivery[] = [];
    contents.set(id, { id, type, data, metadata, occurredAt, tenantId, deliveries });
    return { id, createdAt: now, deliveries };
  });
  for (const row of rows) {
    const event = contents.get(row.event_id);
    event?.deliveries.push({
      tenantId: event.tenantId,
      id: row.id,
      subscriptionId: row.subscription_id,
      subscriptionVersion: row.version,
      attemptCount: 0,
      sequenceKey: row.sequence_key,
      blocked: row.sequence_key !== null,
      pausedUntil: row.paused_until,
      wanted: true,
      event,
      filter: row.filter,
    });
  }
  return published;
}
