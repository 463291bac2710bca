import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Clock } from '../core/clock.js';
import { type Chunk, ChunkQueue, chunked } from '../queue/chunk-queue.js';
import { type DeliveryRef, DeliveryStore } from './delivery.store.js';
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
    store: DeliveryStore,
    clock: Clock,
    private readonly dispatcher: DeliveryDispatcher,
  ) {
    this.chunks = new ChunkQueue(queue, (refs) => store.setDueAcrossTenants(refs, clock.now()));
  }

  handOver(refs: DeliveryRef[]): void {
    if (refs.length === 0) return;
    const own = refs.slice(0, this.dispatcher.room);
    for (const chunk of chunked(own)) void this.dispatcher.dispatch(chunk);
    if (own.length < refs.length) void this.chunks.add(refs.slice(own.length));
  }
}
