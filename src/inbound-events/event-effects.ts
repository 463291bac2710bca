import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { HOPS } from '../core/hops.js';
import { fieldsOf } from '../core/payload.js';
import { ChangePublisher } from '../crm/change-publisher.js';
import type { DomainChange } from '../crm/domain-change.js';
import type { Transaction } from '../database/prisma.service.js';
import type { NewEvent, StoredEvent } from '../deliveries/event.store.js';
import { EventPublisher } from '../deliveries/event-publisher.js';
import { vocabularyOf } from '../event-types/vocabularies/catalog.js';
import { TenantSettings } from '../tenants/tenant-settings.js';
import { HandlerRegistry } from './handlers/handler-registry.js';
import type { HandlerResult, InboundHandler } from './handlers/inbound-handler.js';
import { InboundRouter } from './inbound-router.js';
import type { LoadedInboundEvent } from './processing.store.js';
import type { InboundRoute } from './route.store.js';

/** What is to be done for an event. */
export interface EventPlan {
  handler: InboundHandler | null;
  routes: InboundRoute[];
}

export interface Applied {
  outcome: 'processed' | 'ignored';
  errorMessage: string | null;
  /** Shown with the event. */
  result: Record<string, unknown>;
  /** To hand over after the commit. */
  stored: StoredEvent[];
}

/** Everything an inbound event leads to: its handler's work and the tenant's routes. */
@Injectable()
export class EventEffects {
  constructor(
    private readonly registry: HandlerRegistry,
    private readonly router: InboundRouter,
    private readonly publisher: EventPublisher,
    private readonly changePublisher: ChangePublisher,
    private readonly settings: TenantSettings,
    private readonly clock: Clock,
  ) {}

  async plan(event: LoadedInboundEvent): Promise<EventPlan> {
    const handler = this.registry.find(event.source, event.eventName);
    return { handler, routes: await this.router.candidates(event) };
  }

  /** Writes and publishes in the given transaction, all of it or, when something throws, nothing. */
  async apply(tx: Transaction, event: LoadedInboundEvent & { payload: string }, plan: EventPlan): Promise<Applied> {
    const fields = fieldsOf({ kind: event.payloadKind, text: event.payload }, event.contentType);
    const handled = plan.handler ? await this.handle(tx, event, fields, plan.handler) : null;
    const routed = await this.router.follow(tx, event, fields, plan.routes);
    const ignored = handled?.result.kind === 'ignored' && routed.taken.length === 0 ? handled.result.why : null;
    return {
      outcome: ignored === null ? 'processed' : 'ignored',
      errorMessage: ignored,
      result: {
        ...(handled?.result.kind === 'processed' && { did: handled.result.did }),
        ...(routed.taken.length > 0 && { routes: routed.taken }),
        ...(handled && { published: handled.published }),
      },
      stored: [...(handled?.stored ?? []), ...routed.stored],
    };
  }

  private async handle(
    tx: Transaction,
    event: LoadedInboundEvent,
    fields: unknown,
    handler: InboundHandler,
  ): Promise<{ result: HandlerResult; stored: StoredEvent[]; published: string[] }> {
    const { tenantId, id, source, sourceId, eventName, receivedAt } = event;
    const hops = event.hops + 1;
    const { vocabularies } = await this.settings.get(tenantId);
    const now = this.clock.now();
    const events: NewEvent[] = [];
    const publish = (type: string, data: Record<string, unknown>) => {
      const vocabulary = vocabularyOf(type);
      if (vocabulary !== 'posthaste' && vocabulary !== null && !vocabularies.includes(vocabulary)) return;
      const metadata = { [HOPS]: hops, inboundEventId: id };
      events.push({
        tenantId,
        type,
        data: JSON.stringify(data),
        metadata: JSON.stringify(metadata),
        channel: null,
        orderingKey: null,
        occurredAt: now,
      });
    };
    const handled = { tenantId, id, source, sourceId, eventName, fields, receivedAt };
    const changes: DomainChange[] = [];
    const tell = (change: DomainChange) => changes.push(change);
    const origin = { source: source === 'api' ? eventName : source, hops, metadata: { inboundEventId: id } };
    const result = await handler.handle(handled, { tx, now, origin, publish, tell });
    const stored = [
      ...(await this.changePublisher.publishInTransaction(tx, tenantId, changes, origin)),
      ...(await this.publisher.publishInTransaction(tx, events, { onlyWanted: true })),
    ];
    return { result, stored, published: stored.map((one) => one.id) };
  }
}
