import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { matches } from '../core/event-filter.js';
import { mapFields } from '../core/field-mapping.js';
import { forwardedData, forwardMetadata } from '../core/forwarded-body.js';
import { HOPS } from '../core/hops.js';
import type { Transaction } from '../database/prisma.service.js';
import type { NewEvent, StoredEvent } from '../deliveries/event.store.js';
import { EventPublisher } from '../deliveries/event-publisher.js';
import { EventCatalog } from '../event-types/event-catalog.js';
import { TenantCache } from '../tenants/tenant-cache.js';
import { TenantChanges } from '../tenants/tenant-changes.js';
import type { LoadedInboundEvent } from './processing.store.js';
import { type InboundRoute, RouteStore } from './route.store.js';

const REMEMBERED_TENANTS = 10_000;
const REMEMBERED_MS = 5_000;

/** Turns inbound events into outbound ones as the tenant's routes say. */
@Injectable()
export class InboundRouter {
  private readonly routes: TenantCache<InboundRoute[]>;

  constructor(
    private readonly store: RouteStore,
    private readonly publisher: EventPublisher,
    private readonly catalog: EventCatalog,
    private readonly clock: Clock,
    changes: TenantChanges,
  ) {
    this.routes = new TenantCache(clock, changes, { maxEntries: REMEMBERED_TENANTS, ttlMs: REMEMBERED_MS });
  }

  /** The routes an event takes, as far as can be told without its payload. */
  async candidates(event: LoadedInboundEvent): Promise<InboundRoute[]> {
    const { tenantId } = event;
    const routes =
      this.routes.peek(tenantId) ??
      (await this.routes.load(tenantId, async () => ({ tenantId, value: await this.store.listEnabled(tenantId) })));
    return (routes ?? []).filter(
      (route) =>
        (route.sourceId === null || route.sourceId === event.sourceId) && nameMatches(route.eventName, event.eventName),
    );
  }

  /**
   * Publishes or forwards as part of the caller's transaction.
   * @param payload the event's, whole @param fields its JSON or form fields
   * @returns what was stored, and the routes that were taken
   * @throws AppError when what a route makes of it does not fit the event type's schema
   */
  async follow(
    tx: Transaction,
    event: LoadedInboundEvent & { payload: string },
    fields: unknown,
    candidates: InboundRoute[],
  ): Promise<{ stored: StoredEvent[]; taken: string[] }> {
    const routes = candidates.filter((route) => route.filter === null || matches(route.filter, fields));
    const stored: StoredEvent[] = [];
    for (const route of routes) {
      if (route.action === 'publish') stored.push(...(await this.publish(tx, event, fields, route)));
      else stored.push(await this.forward(tx, event, route));
    }
    return { stored, taken: routes.map((route) => route.id) };
  }

  private async publish(tx: Transaction, event: LoadedInboundEvent, fields: unknown, route: InboundRoute) {
    const type = route.eventType as string;
    const data = route.fields
      ? mapFields(route.fields as Record<string, unknown>, fields)
      : isObject(fields)
        ? fields
        : { payload: fields ?? null };
    await this.catalog.check(event.tenantId, type, data);
    const metadata = { [HOPS]: event.hops + 1, inboundEventId: event.id };
    return this.publisher.publishInTransaction(tx, [this.newEvent(event, type, JSON.stringify(data), metadata)]);
  }

  private forward(tx: Transaction, event: LoadedInboundEvent & { payload: string }, route: InboundRoute) {
    const sent = JSON.parse(event.headers) as Record<string, string | string[]>;
    const headers = Object.fromEntries(
      route.forwardHeaders.flatMap((name) => (sent[name] === undefined ? [] : [[name, String(sent[name])]])),
    );
    const payload = { kind: event.payloadKind, text: event.payload };
    const metadata = {
      [HOPS]: event.hops + 1,
      inboundEventId: event.id,
      ...forwardMetadata(payload.kind, event.contentType, headers),
    };
    const forwarded = this.newEvent(event, typeOfForwarded(event), forwardedData(payload), metadata);
    return this.publisher.publishToInTransaction(tx, route.subscriptionId as string, forwarded);
  }

  private newEvent({ tenantId }: LoadedInboundEvent, type: string, data: string, metadata: object): NewEvent {
    return {
      tenantId,
      type,
      data,
      metadata: JSON.stringify(metadata),
      channel: null,
      orderingKey: null,
      occurredAt: this.clock.now(),
    };
  }
}

function nameMatches(pattern: string, eventName: string): boolean {
  const [wanted, name] = [pattern.toLowerCase(), eventName.toLowerCase()];
  return wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted;
}

/** Event types have words and dots only; names of providers may have more (`orders/create`). */
function typeOfForwarded({ source, eventName }: LoadedInboundEvent): string {
  const words = `${source}.${eventName}`
    .replaceAll(/[^A-Za-z0-9_.-]+/g, '.')
    .split('.')
    .filter(Boolean);
  return words.join('.').slice(0, 128);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
