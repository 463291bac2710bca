import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { Job } from 'bullmq';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { type Chunk, refsOf } from '../queue/chunk-queue.js';
import { DueRelay } from '../queue/due-relay.js';
import { EventProcessor } from './event-processor.js';
import { INBOUND_QUEUE } from './inbound-event.queue.js';
import { ProcessingStore } from './processing.store.js';

const CONCURRENT_JOBS = 4;
const ADMISSION_POLL_MS = 20;

/** The worker role's end of the queue: chunks from BullMQ and from the due relay go to the processor. */
@Processor({ name: INBOUND_QUEUE }, { concurrency: CONCURRENT_JOBS })
export class InboundEventWorker extends WorkerHost implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly processor: EventProcessor,
    private readonly store: ProcessingStore,
    private readonly relay: DueRelay,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    this.relay.add({ name: 'inbound events', room: () => this.processor.room, take: (limit) => this.takeDue(limit) });
    this.processor.start();
  }

  /** A job is done when its chunk is taken; while there is no room the queue keeps the rest for other workers. */
  async process(job: Job<Chunk>): Promise<void> {
    const refs = refsOf(job.data);
    while (this.processor.isRunning && this.processor.room < refs.length) {
      await new Promise((resolve) => setTimeout(resolve, ADMISSION_POLL_MS));
    }
    this.processor.take(refs);
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    logger.warn({ err: error.message }, 'queue worker');
  }

  /** Before the server and its connections close: no new work, and what is held is finished or given back. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.relay.stop();
    await this.processor.stop(this.config.shutdownGraceMs);
    await this.worker.close();
  }

  private async takeDue(limit: number): Promise<number> {
    const refs = await this.store.claimDueAcrossTenants(this.clock.now(), this.processor.leaseUntil(), limit);
    this.processor.take(refs);
    return refs.length;
  }
}
