import type { Queue } from 'bullmq';
import { logger } from '../observability/logger.js';

/** Names a row wherever one travels: in chunks, jobs and leases. */
export interface RowRef {
  tenantId: string;
  id: string;
}

/** A job's data: rows to look at now, as two columns. Never a payload. */
export interface Chunk {
  tenantIds: string[];
  ids: string[];
}

export const CHUNK_SIZE = 64;
const QUEUE_TIMEOUT_MS = 2000;
/** After a failure the queue is left alone for so long; the due relay carries everything meanwhile. */
const QUEUE_REST_MS = 5000;

/** Puts leased rows into a queue by the chunk; rows that a queue does not take are given back to Postgres. */
export class ChunkQueue {
  private restUntilMs = 0;

  /** @param giveBack makes rows due at once */
  constructor(
    private readonly queue: Queue<Chunk>,
    private readonly giveBack: (refs: readonly RowRef[]) => Promise<unknown>,
  ) {}

  async add(refs: readonly RowRef[]): Promise<void> {
    try {
      if (performance.now() < this.restUntilMs) throw new Error('the queue did not answer a moment ago');
      const jobs = chunked(refs).map((chunk) => ({
        name: 'chunk',
        data: { tenantIds: chunk.map((ref) => ref.tenantId), ids: chunk.map((ref) => ref.id) },
      }));
      await withTimeout(this.queue.addBulk(jobs), QUEUE_TIMEOUT_MS);
    } catch (error) {
      if (performance.now() >= this.restUntilMs) {
        this.restUntilMs = performance.now() + QUEUE_REST_MS;
        logger.warn(
          { err: (error as Error).message, queue: this.queue.name },
          'queue unavailable: its rows wait for the due relay',
        );
      }
      await this.giveBack(refs).catch(() => undefined);
    }
  }
}

export function refsOf(chunk: Chunk): RowRef[] {
  return chunk.ids.map((id, i) => ({ tenantId: chunk.tenantIds[i] as string, id }));
}

export function chunked(refs: readonly RowRef[]): RowRef[][] {
  return Array.from({ length: Math.ceil(refs.length / CHUNK_SIZE) }, (_, i) =>
    refs.slice(i * CHUNK_SIZE, (i + 1) * CHUNK_SIZE),
  );
}

/** A Redis that is away lets commands wait for ever; a caller must not collect them. */
async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer from the queue within ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
