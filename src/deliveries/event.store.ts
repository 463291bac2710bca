import { Injectable } from '@nestjs/common';
import { patternsMatching } from '../core/event-pattern.js';
import { newId } from '../core/ids.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService } from '../database/prisma.service.js';
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
  deliveries: DeliveryRef[];
}

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
    select t.tenant_id, t.type, s.id
    from (select distinct tenant_id, type, patterns from input) t
    join subscriptions s on s.tenant_id = t.tenant_id and s.enabled and s.event_types && string_to_array(t.patterns, ' ')
  )
  insert into deliveries (id, tenant_id, event_id, subscription_id, due_at, created_at)
  select uuid_v7(), i.tenant_id, i.id, m.id, $11, $10
  from input i join matching m on m.tenant_id = i.tenant_id and m.type = i.type
  returning id, tenant_id, event_id`;

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
    const ids = events.map(() => newId());
    const rows = await this.hot.query<{ id: string; tenant_id: string; event_id: string }>('publish', PUBLISH, [
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
    ]);
    const stored = ids.map((id): StoredEvent => ({ id, createdAt: now, deliveries: [] }));
    const byId = new Map(stored.map((event) => [event.id, event]));
    for (const row of rows) byId.get(row.event_id)?.deliveries.push({ tenantId: row.tenant_id, id: row.id });
    return stored;
  }

  /** Stores an event that goes to one subscription only, whatever types it asks for (test requests). */
  async publishTo(
    subscriptionId: string,
    event: NewEvent,
    now: Date,
    leaseUntil: Date,
    audience: 'direct' | 'test' = 'direct',
  ): Promise<StoredEvent> {
    const id = newId();
    const deliveryId = newId();
    const { tenantId, type, data, metadata, channel, orderingKey, occurredAt } = event;
    await this.prisma.$transaction([
      this.prisma.event.create({
        data: { id, tenantId, type, data, metadata, channel, orderingKey, audience, occurredAt, createdAt: now },
      }),
      this.prisma.delivery.create({
        data: { id: deliveryId, tenantId, eventId: id, subscriptionId, dueAt: leaseUntil, createdAt: now },
      }),
    ]);
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
