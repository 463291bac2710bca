import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { SubscriptionStore } from './subscription.store.js';

const INTERVAL_MS = 60_000;
const ROWS_AT_ONCE = 200;
/** A flow that renews a little late finds its subscription, and what waited for it. */
const RENEWABLE_MS = 3_600_000;

/** Deletes subscriptions an hour after they expired. In every worker; whichever comes first deletes, the others find nothing. */
@Injectable()
export class SubscriptionSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly store: SubscriptionStore,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.roles.includes('worker')) return;
    const start = () => {
      this.round = this.round
        .then(() => this.sweep())
        .catch((error) => logger.warn({ err: error.message }, 'expired subscriptions were not deleted'));
    };
    start();
    this.timer = setInterval(start, INTERVAL_MS);
    this.timer.unref();
  }

  /** Looks once, now. */
  async sweep(): Promise<void> {
    const now = this.clock.now();
    const endedBefore = new Date(now.getTime() - RENEWABLE_MS);
    for (let more = true; more && !this.stopped; ) {
      const deleted = await this.store.deleteExpiredAcrossTenants(endedBefore, now, ROWS_AT_ONCE);
      for (const { tenantId, id } of deleted) {
        logger.info({ tenantId, subscriptionId: id }, 'subscription expired and was deleted');
      }
      more = deleted.length === ROWS_AT_ONCE;
    }
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.round;
  }
}
