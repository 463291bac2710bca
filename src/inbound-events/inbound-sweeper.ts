import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { InboundEventStore } from './inbound-event.store.js';

const INTERVAL_MS = 10 * 60_000;
const ROWS_AT_ONCE = 5_000;

/** Removes dedupe keys that have had their time, in bounded batches. */
@Injectable()
export class InboundSweeper implements OnModuleInit, OnModuleDestroy {
  private timer: NodeJS.Timeout;

  constructor(
    private readonly store: InboundEventStore,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => {
      this.sweep().catch((error: Error) => logger.warn({ err: error.message }, 'expired dedupe keys were not removed'));
    }, INTERVAL_MS);
    this.timer.unref();
  }

  async sweep(): Promise<void> {
    while ((await this.store.removeExpiredKeysAcrossTenants(this.clock.now(), ROWS_AT_ONCE)) === ROWS_AT_ONCE);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }
}
