import { Injectable } from '@nestjs/common';
import { Batcher } from '../core/batcher.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { metrics } from '../observability/metrics.js';
import { EventProcessor } from './event-processor.js';
import { InboundEventQueue } from './inbound-event.queue.js';
import { InboundEventStore, type NewInboundEvent, type StoredInboundEvent } from './inbound-event.store.js';

const MAX_COMMIT = 128;
const MAX_RUNNING_COMMITS = 2;
/** Larger bodies are committed alone: a batch of them would be one statement of hundreds of megabytes. */
const LARGE_BYTES = 64 * 1024;

/** Stores what was verified: events that arrive together share one commit, each sender is answered after his. */
@Injectable()
export class InboundAcceptor {
  private readonly batcher = new Batcher<NewInboundEvent, StoredInboundEvent>((events) => this.commit(events), {
    maxItems: MAX_COMMIT,
    maxRunning: MAX_RUNNING_COMMITS,
    // SQLSTATE class 22: a value Postgres cannot store. Its neighbours in the batch are not to suffer for it.
    isItemsFault: (error) => String((error as { code?: unknown }).code ?? '').startsWith('22'),
  });

  constructor(
    private readonly store: InboundEventStore,
    private readonly queue: InboundEventQueue,
    private readonly processor: EventProcessor,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the event is committed, or known to be one that was stored before. */
  async accept(event: NewInboundEvent): Promise<StoredInboundEvent> {
    if (event.payloadBytes <= LARGE_BYTES) return this.batcher.add(event);
    const [stored] = await this.commit([event]);
    return stored as StoredInboundEvent;
  }

  private async commit(events: NewInboundEvent[]): Promise<StoredInboundEvent[]> {
    const startedMs = performance.now();
    const stored = await this.store.storeAcrossTenants(events, this.clock.now(), this.processor.leaseUntil());
    const fresh = stored.flatMap(({ id, duplicate, status }, i) =>
      duplicate || status !== 'received' ? [] : [{ tenantId: (events[i] as NewInboundEvent).tenantId, id }],
    );
    this.queue.handOver(fresh);
    const commitMs = Math.round(performance.now() - startedMs);
    const duplicates = stored.filter((event) => event.duplicate).length;
    metrics.inboundAccepted.inc({ duplicate: 'true' }, duplicates);
    metrics.inboundAccepted.inc({ duplicate: 'false' }, events.length - duplicates);
    logger.info({ events: events.length, duplicates, commitMs }, 'inbound events accepted');
    return stored;
  }
}
