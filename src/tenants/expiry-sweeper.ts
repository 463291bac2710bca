import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { IDEMPOTENCY_KEPT_MS } from '../http/idempotency.interceptor.js';
import { IdempotencyStore } from '../http/idempotency.store.js';
import { logger } from '../observability/logger.js';
import { SessionStore } from './session.store.js';

const INTERVAL_MS = 3_600_000;
const ROWS_AT_ONCE = 1_000;
/** Ended sessions stay for a while: who asks is told that his session expired, not that it never was. */
const ENDED_SESSIONS_KEPT_MS = 7 * 24 * 3_600_000;

/** Removes what has had its time, in bounded batches: ended sessions and used Idempotency-Keys. */
@Injectable()
export class ExpirySweeper implements OnModuleInit, OnModuleDestroy {
  private timer: NodeJS.Timeout;

  constructor(
    private readonly sessions: SessionStore,
    private readonly idempotencyKeys: IdempotencyStore,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => {
      this.sweep().catch((error) => logger.warn({ err: error.message }, 'expired rows were not removed'));
    }, INTERVAL_MS);
    this.timer.unref();
  }

  async sweep(): Promise<void> {
    const nowMs = this.clock.now().getTime();
    await inBatches(() =>
      this.sessions.removeEndedAcrossTenants(new Date(nowMs - ENDED_SESSIONS_KEPT_MS), ROWS_AT_ONCE),
    );
    await inBatches(() =>
      this.idempotencyKeys.removeExpiredAcrossTenants(new Date(nowMs - IDEMPOTENCY_KEPT_MS), ROWS_AT_ONCE),
    );
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }
}

async function inBatches(removeSome: () => Promise<number>): Promise<void> {
  while ((await removeSome()) === ROWS_AT_ONCE);
}
