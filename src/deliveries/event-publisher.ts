import { Injectable } from '@nestjs/common';
import { Batcher } from '../core/batcher.js';
import { Clock } from '../core/clock.js';
import { matches } from '../core/event-filter.js';
import type { Transaction } from '../database/prisma.service.js';
import { logger } from '../observability/logger.js';
import { metrics } from '../observability/metrics.js';
import { DeliveryQueue } from './delivery.queue.js';
import { type DeliveryRef, DeliveryStore } from './delivery.store.js';
import { DeliveryDispatcher } from './delivery-dispatcher.js';
import { EventStore, type NewEvent, type PublishedEvent, type StoredEvent } from './event.store.js';

const MAX_COMMIT = 256;
const MAX_RUNNING_COMMITS = 2;

/**
 * Accepts events: store event and deliveries, answer, hand over. Publishes that arrive together share one commit
 * (group commit); each caller is answered after the commit that holds his event.
 */
@Injectable()
export class EventPublisher {
  private readonly batcher = new Batcher<NewEvent, StoredEvent>((events) => this.commit(events), {
    maxItems: MAX_COMMIT,
    maxRunning: MAX_RUNNING_COMMITS,
    // SQLSTATE class 22: a value Postgres cannot store. Its neighbours in the batch are not to suffer for it.
    isItemsFault: (error) => String((error as { code?: unknown }).code ?? '').startsWith('22'),
  });

  constructor(
    private readonly store: EventStore,
    private readonly deliveries: DeliveryStore,
    private readonly queue: DeliveryQueue,
    private readonly dispatcher: DeliveryDispatcher,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the event and its deliveries are committed. */
  publish(event: NewEvent): Promise<StoredEvent> {
    return this.batcher.add(event);
  }

  /** All of them in one commit of their own. */
  publishAll(events: NewEvent[]): Promise<StoredEvent[]> {
    return events.length === 0 ? Promise.resolve([]) : this.commit(events);
  }

  /**
   * As part of the caller's transaction, so that a row and what is told of it are committed together. Give what it returns to
   * `handOver` after the commit.
   * @param options.onlyWanted leave out events nobody subscribes to: renderings of one change in several vocabularies
   */
  async publishInTransaction(
    tx: Transaction,
    events: NewEvent[],
    options: { onlyWanted?: boolean } = {},
  ): Promise<StoredEvent[]> {
    const published = options.onlyWanted ? await this.wanted(tx, events) : events;
    if (published.length === 0) return [];
    return this.store.publishInTransaction(tx, published, this.clock.now(), this.dispatcher.leaseUntil());
  }

  /** Those of some event types that a subscription of the tenant asks for. */
  wantedTypes(tx: Transaction, tenantId: string, types: string[]): Promise<ReadonlySet<string>> {
    return types.length === 0 ? Promise.resolve(new Set()) : this.store.wantedTypes(tx, tenantId, types);
  }

  /** An event for one subscription alone, as part of the caller's transaction. */
  publishToInTransaction(tx: Transaction, subscriptionId: string, event: NewEvent): Promise<StoredEvent> {
    const leaseUntil = this.dispatcher.leaseUntil();
    return this.store.publishToInTransaction(tx, subscriptionId, event, this.clock.now(), leaseUntil);
  }

  /** After the commit. Left out, the deliveries wait until their lease ends. */
  handOver(stored: StoredEvent[]): void {
    this.queue.handOver(stored.flatMap((event) => event.deliveries));
  }

  private async wanted(tx: Transaction, events: NewEvent[]): Promise<NewEvent[]> {
    const [first] = events;
    if (!first) return [];
    const types = [...new Set(events.map((event) => event.type))];
    const wanted = await this.store.wantedTypes(tx, first.tenantId, types);
    return events.filter((event) => wanted.has(event.type));
  }

  private async commit(events: NewEvent[]): Promise<StoredEvent[]> {
    const startedMs = performance.now();
    const leaseUntil = this.queue.leaseUntil(new Set(events.map((event) => event.tenantId)));
    const published = await this.store.publishAcrossTenants(events, this.clock.now(), leaseUntil);
    await this.applyFilters(published);
    const deliveries = published.flatMap((event) => event.deliveries);
    this.queue.handOverLoaded(deliveries, leaseUntil !== null);
    const commitMs = Math.round(performance.now() - startedMs);
    metrics.eventsAccepted.inc(events.length);
    metrics.deliveriesMade.inc(deliveries.length);
    metrics.commitSeconds.observe(commitMs / 1000);
    logger.info({ events: events.length, deliveries: deliveries.length, commitMs }, 'events accepted');
    return published;
  }

  /**
   * Takes out the deliveries whose subscription's filter does not match. They were committed with the others: a crash before
   * this leaves them to the dispatcher, which looks at the filter too.
   */
  private async applyFilters(published: PublishedEvent[]): Promise<void> {
    const unwanted: DeliveryRef[] = [];
    for (const event of published) {
      const [first] = event.deliveries;
      if (!first || event.deliveries.every((delivery) => delivery.filter === null)) continue;
      const data: unknown = JSON.parse(first.event.data);
      const [wanted, others] = partition(event.deliveries, ({ filter }) => filter === null || matches(filter, data));
      event.deliveries = wanted;
      unwanted.push(...others);
    }
    if (unwanted.length > 0) await this.deliveries.discardAcrossTenants(unwanted);
  }
}

function partition<T>(items: T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
