import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Clock } from '../core/clock.js';
import { type Chunk, ChunkQueue, type RowRef } from '../queue/chunk-queue.js';
import { EventProcessor } from './event-processor.js';
import { ProcessingStore } from './processing.store.js';

export const INBOUND_QUEUE = 'inbound-events';

/** Hands stored events on: to this process's own processor when it has room, else to the queue. Nothing here can lose one. */
@Injectable()
export class InboundEventQueue {
  private readonly chunks: ChunkQueue;

  constructor(
    @InjectQueue(INBOUND_QUEUE) queue: Queue<Chunk>,
    store: ProcessingStore,
    clock: Clock,
    private readonly processor: EventProcessor,
  ) {
    this.chunks = new ChunkQueue(queue, (refs) => store.setDueAcrossTenants(refs, clock.now()));
  }

  handOver(refs: RowRef[]): void {
    if (refs.length === 0) return;
    const own = refs.slice(0, this.processor.room);
    if (own.length > 0) this.processor.take(own);
    if (own.length < refs.length) void this.chunks.add(refs.slice(own.length));
  }
}
