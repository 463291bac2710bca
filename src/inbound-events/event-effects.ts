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
  handlers: readonly InboundHandler[];
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
    const handlers = this.registry.find(event.source, event.eventName);
    return { handlers, routes: await this.router.candidates(event) };
  }

  /** Writes and publishes in the given transaction, all of it or, when something throws, nothing. */
  async apply(tx: Transaction, event: LoadedInboundEvent & { payload: string }, plan: EventPlan): Promise<Applied> {
    const fields = fieldsOf({ kind: event.payloadKind, text: event.payload }, event.contentType);
    const handled = plan.handlers.length > 0 ? await this.handle(tx, event, fields, plan.handlers) : null;
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
    handlers: readonly InboundHandler[],
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
    const results: HandlerResult[] = [];
    for (const handler of handlers) results.push(await handler.handle(handled, { tx, now, origin, publish, tell }));
    const stored = [
      ...(await this.changePublisher.publishInTransaction(tx, tenantId, changes, origin)),
      ...(await this.publisher.publishInTransaction(tx, events, { onlyWanted: true })),
    ];
    return { result: together(results), stored, published: stored.map((one) => one.id) };
  }
}

/** Ignored is what none of an event's handlers had anything to do for. */
function together(results: readonly HandlerResult[]): HandlerResult {
  const did = results.flatMap((result) => (result.kind === 'processed' ? [result.did] : []));
  if (did.length > 0) return { kind: 'processed', did: Object.assign({}, ...did) };
  const whys = results.flatMap((result) => (result.kind === 'ignored' ? [result.why] : []));
  return { kind: 'ignored', why: [...new Set(whys)].join(' ') };
}
