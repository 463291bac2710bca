import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { Job } from 'bullmq';
import { Config } from '../config/env.js';
import { logger } from '../observability/logger.js';
import { type Chunk, refsOf } from '../queue/chunk-queue.js';
import { DueRelay } from '../queue/due-relay.js';
import { DELIVERY_QUEUE } from './delivery.queue.js';
import { DeliveryDispatcher } from './delivery-dispatcher.js';

const CONCURRENT_CHUNKS = 8;
const ADMISSION_POLL_MS = 10;

/** The worker role's end of the queue: chunks from BullMQ and from the due relay go to the dispatcher. */
@Processor({ name: DELIVERY_QUEUE }, { concurrency: CONCURRENT_CHUNKS })
export class DeliveryWorker extends WorkerHost implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly dispatcher: DeliveryDispatcher,
    private readonly relay: DueRelay,
    private readonly config: Config,
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    const room = () => this.dispatcher.room;
    this.relay.add({ name: 'deliveries', room, take: (limit) => this.dispatcher.takeDue(limit) });
    this.relay.add({ name: 'parked deliveries', room, take: () => this.dispatcher.takeParked().then(() => 0) });
    this.dispatcher.start();
    this.relay.start();
  }

  /** A job is done when its chunk is admitted; while there is no room the queue keeps the rest for other workers. */
  async process(job: Job<Chunk>): Promise<void> {
    const refs = refsOf(job.data);
    while (this.dispatcher.running && this.dispatcher.room < refs.length) {
      await new Promise((resolve) => setTimeout(resolve, ADMISSION_POLL_MS));
    }
    await this.dispatcher.dispatch(refs);
  }

  @OnWorkerEvent('error')
  onError(error: Error): void {
    logger.warn({ err: error.message }, 'queue worker');
  }

  /** Before the server and its connections close: no new work, and what is held is finished or given back. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.relay.stop();
    await this.dispatcher.stop(this.config.shutdownGraceMs);
    await this.worker.close();
  }
}
