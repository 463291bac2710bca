import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { HOPS, MAX_HOPS } from '../core/hops.js';
import type { Transaction } from '../database/prisma.service.js';
import type { NewEvent, StoredEvent } from '../deliveries/event.store.js';
import { EventPublisher } from '../deliveries/event-publisher.js';
import { vocabularyOf } from '../event-types/vocabularies/catalog.js';
import { TenantSettings } from '../tenants/tenant-settings.js';
import { ContactViewStore } from './contact-view.store.js';
import { type ChangeOrigin, type DomainChange, type FullContact, subjectOf } from './domain-change.js';
import type { RenderedEvent, RenderingContext } from './rendering.js';
import { renderingsOf } from './renderings.js';
import { type Tool, ToolStore } from './tool.store.js';

/**
 * Tells a tenant's subscribers what a write changed, in each vocabulary that one of them asks for, as part of the write's own
 * transaction: what is rolled back was never told, and what nobody subscribes to is neither rendered nor stored.
 */
@Injectable()
export class ChangePublisher {
  constructor(
    private readonly events: EventPublisher,
    private readonly views: ContactViewStore,
    private readonly tools: ToolStore,
    private readonly settings: TenantSettings,
    private readonly clock: Clock,
  ) {}

  /** @returns what was stored, to hand over after the commit (`EventPublisher.handOver`) */
  async publishInTransaction(
    tx: Transaction,
    tenantId: string,
    changes: readonly DomainChange[],
    origin: ChangeOrigin,
  ): Promise<StoredEvent[]> {
    if (changes.length === 0 || (origin.hops ?? 0) > MAX_HOPS) return [];
    const wanted = await this.wantedTypes(tx, tenantId, changes);
    if (wanted.size === 0) return [];
    const context = this.context(tx, tenantId);
    const events: NewEvent[] = [];
    for (const change of changes) {
      for (const { types, render } of renderingsOf(change.kind)) {
        if (!types.some((type) => wanted.has(type))) continue;
        const rendered = (await render(change, context)).filter(({ type }) => wanted.has(type));
        events.push(...rendered.map((event) => this.newEvent(tenantId, event, subjectOf(change), origin)));
      }
    }
    return this.events.publishInTransaction(tx, events);
  }

  /** Of all types the changes could be told as, those of the tenant's vocabularies that somebody subscribes to. */
  private async wantedTypes(
    tx: Transaction,
    tenantId: string,
    changes: readonly DomainChange[],
  ): Promise<ReadonlySet<string>> {
    const { vocabularies } = await this.settings.get(tenantId);
    const kinds = [...new Set(changes.map((change) => change.kind))];
    const types = kinds.flatMap((kind) => renderingsOf(kind).flatMap((one) => one.types));
    const spoken = types.filter((type) => (vocabularies as string[]).includes(vocabularyOf(type) ?? ''));
    return this.events.wantedTypes(tx, tenantId, [...new Set(spoken)]);
  }

  private context(tx: Transaction, tenantId: string): RenderingContext {
    return {
      fullContact: once<FullContact>((id) => this.views.find(tx, tenantId, id)),
      tool: once<Tool>((id) => this.tools.find(tenantId, id, tx)),
    };
  }

  private newEvent(
    tenantId: string,
    { type, data }: RenderedEvent,
    orderingKey: string,
    origin: ChangeOrigin,
  ): NewEvent {
    const metadata = {
      ...(vocabularyOf(type) === 'flowkick' && { source: origin.source, action: type.slice(type.indexOf('.') + 1) }),
      ...(origin.hops !== null && { [HOPS]: origin.hops }),
      ...origin.metadata,
    };
    return {
      tenantId,
      type,
      data: JSON.stringify(data),
      metadata: Object.keys(metadata).length > 0 ? JSON.stringify(metadata) : null,
      channel: null,
      orderingKey,
      occurredAt: this.clock.now(),
    };
  }
}

/** Asks for each id once. */
function once<Row>(find: (id: string) => Promise<Row | null>): (id: string) => Promise<Row | null> {
  const asked = new Map<string, Promise<Row | null>>();
  return (id) => {
    const row = asked.get(id) ?? find(id);
    asked.set(id, row);
    return row;
  };
}
