import { InjectQueue } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { type DeliveryRef, DeliveryStore } from './delivery.store.js';
import { DeliveryDispatcher } from './delivery-dispatcher.js';

export const DELIVERY_QUEUE = 'deliveries';

/** A job's data: up to CHUNK_SIZE deliveries to look at now, as two columns. Never a payload. */
export interface DeliveryChunk {
  tenantIds: string[];
  ids: string[];
}

const CHUNK_SIZE = 64;
const QUEUE_TIMEOUT_MS = 2000;
/** After a failure the queue is left alone for so long; the due relay carries everything meanwhile. */
const QUEUE_REST_MS = 5000;

/**
 * Hands committed deliveries on: to this process's own dispatcher when it has room, else to the queue, else back to
 * Postgres. Nothing here can lose a delivery: its lease ends and the due relay takes it.
 */
@Injectable()
export class DeliveryQueue {
  private restUntilMs = 0;

  constructor(
    @InjectQueue(DELIVERY_QUEUE) private readonly queue: Queue<DeliveryChunk>,
    private readonly dispatcher: DeliveryDispatcher,
    private readonly store: DeliveryStore,
    private readonly clock: Clock,
  ) {}

  handOver(refs: DeliveryRef[]): void {
    if (refs.length === 0) return;
    const own = refs.slice(0, this.dispatcher.room);
    for (const chunk of chunked(own)) void this.dispatcher.dispatch(chunk);
    if (own.length < refs.length) void this.enqueue(refs.slice(own.length));
  }

  private async enqueue(refs: DeliveryRef[]): Promise<void> {
    try {
      if (performance.now() < this.restUntilMs) throw new Error('the queue did not answer a moment ago');
      const jobs = chunked(refs).map((chunk) => ({
        name: 'deliver',
        data: { tenantIds: chunk.map((ref) => ref.tenantId), ids: chunk.map((ref) => ref.id) },
      }));
      await withTimeout(this.queue.addBulk(jobs), QUEUE_TIMEOUT_MS);
    } catch (error) {
      if (performance.now() >= this.restUntilMs) {
        this.restUntilMs = performance.now() + QUEUE_REST_MS;
        logger.warn({ err: (error as Error).message }, 'queue unavailable: deliveries wait for the due relay');
      }
      await this.store.setDueAcrossTenants(refs, this.clock.now()).catch(() => undefined);
    }
  }
}

export function chunkRefs(chunk: DeliveryChunk): DeliveryRef[] {
  return chunk.ids.map((id, i) => ({ tenantId: chunk.tenantIds[i] as string, id }));
}

function chunked(refs: DeliveryRef[]): DeliveryRef[][] {
  return Array.from({ length: Math.ceil(refs.length / CHUNK_SIZE) }, (_, i) =>
    refs.slice(i * CHUNK_SIZE, (i + 1) * CHUNK_SIZE),
  );
}

/** A Redis that is away lets commands wait for ever; a publisher must not collect them. */
async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer from the queue within ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
