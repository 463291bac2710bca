import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { type Chunk, ChunkQueue, chunked } from '../queue/chunk-queue.js';
import { type DeliveryRef, DeliveryStore, type LoadedDelivery } from './delivery.store.js';
import { DeliveryBacklog } from './delivery-backlog.js';
import { DeliveryDispatcher } from './delivery-dispatcher.js';

export const DELIVERY_QUEUE = 'deliveries';

/**
 * Hands committed deliveries on: to this process's own dispatcher when it has room, else to the queue, else back to
 * Postgres. Nothing here can lose a delivery: its lease ends and the due relay takes it.
 */
@Injectable()
export class DeliveryQueue {
  private readonly chunks: ChunkQueue;

  constructor(
    @InjectQueue(DELIVERY_QUEUE) queue: Queue<Chunk>,
    private readonly store: DeliveryStore,
    private readonly clock: Clock,
    private readonly config: Config,
    private readonly dispatcher: DeliveryDispatcher,
    private readonly backlog: DeliveryBacklog,
  ) {
    this.chunks = new ChunkQueue(queue, (refs) => store.setDueAcrossTenants(refs, clock.now()));
  }

  /**
   * How long what is about to be committed belongs to this process. Null when it delivers itself, has no room for any of these
   * tenants and nobody else can be told: then it is parked from the start.
   */
  leaseUntil(tenantIds: Set<string>): Date | null {
    const parked = this.parksTheRest && [...tenantIds].every((tenantId) => this.dispatcher.roomFor(tenantId) === 0);
    return parked ? null : this.dispatcher.leaseUntil();
  }

  handOver(refs: readonly DeliveryRef[]): void {
    if (refs.length === 0) return;
    const own = refs.slice(0, this.dispatcher.room);
    for (const chunk of chunked(own)) void this.dispatcher.dispatch(chunk);
    const others = refs.slice(own.length);
    if (others.length === 0) return;
    if (this.parksTheRest) void this.park(others);
    else void this.chunks.add(others);
  }

  /**
   * What was committed this moment, and is known whole: this process sends it without reading it again. A delivery that may
   * have to wait for an earlier one of its sequence is looked at in the database first.
   * @param leased whether they are, or were parked
   */
  handOverLoaded(deliveries: readonly LoadedDelivery[], leased: boolean): void {
    if (!leased) {
      this.backlog.note(deliveries);
      return;
    }
    const now = this.clock.now();
    const wanted = deliveries.filter(({ pausedUntil }) => pausedUntil === null || pausedUntil <= now);
    const loaded = wanted.filter((delivery) => !delivery.blocked).slice(0, this.dispatcher.room);
    if (loaded.length > 0) void this.dispatcher.dispatchLoaded(loaded);
    if (loaded.length === wanted.length) return;
    const taken = new Set(loaded);
    this.handOver(wanted.filter((delivery) => !taken.has(delivery)));
  }

  /** A queue in Postgres costs more for each chunk than waiting there does. */
  private get parksTheRest(): boolean {
    return this.dispatcher.running && this.config.queue.redisUrl === null;
  }

  private async park(refs: readonly DeliveryRef[]): Promise<void> {
    await this.store.setDueAcrossTenants(refs, null).catch((error: Error) => {
      logger.warn({ err: error.message, deliveries: refs.length }, 'deliveries wait until their leases end');
    });
  }
}
