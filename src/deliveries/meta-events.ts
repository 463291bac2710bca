import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { findBuiltInEventType } from '../event-types/vocabularies/catalog.js';
import { logger } from '../observability/logger.js';
import { EventStore } from './event.store.js';

/** What the platform tells a tenant about itself; the tenant's subscriptions get it like any other event. */
@Injectable()
export class MetaEvents {
  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
  ) {}

  /** Whether an event is of this kind: what becomes of its own deliveries is not told, or telling would never end. */
  isMeta(eventType: string): boolean {
    return findBuiltInEventType(eventType)?.vocabulary === 'posthaste';
  }

  /**
   * Stored as due at once, so that the due relay takes it, and only where somebody subscribes to it. A failure to tell must not
   * undo what is told about.
   */
  async tell(tenantId: string, type: string, data: Record<string, unknown>): Promise<void> {
    const now = this.clock.now();
    const event = {
      tenantId,
      type,
      data: JSON.stringify(data),
      metadata: null,
      channel: null,
      orderingKey: null,
      occurredAt: now,
    };
    try {
      if (await this.store.isWanted(tenantId, type)) await this.store.publishAcrossTenants([event], now, now);
    } catch (error) {
      logger.error({ tenantId, type, err: (error as Error).message }, 'meta-event could not be stored');
    }
  }
}
