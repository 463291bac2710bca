import { Injectable } from '@nestjs/common';
import { Batcher } from '../core/batcher.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { metrics, statusClass } from '../observability/metrics.js';
import { AttemptStore } from './attempt.store.js';
import type { AttemptRecord } from './delivery.store.js';
import { HealthKeeper } from './health-keeper.js';

const RETRY_MS = 500;

/**
 * Writes results many at a time. A delivery stays held until its attempt is recorded: a crash before that repeats the
 * request (same `webhook-id`), it never loses one.
 */
@Injectable()
export class AttemptRecorder {
  private stopped = false;
  /** Consequences are drawn one batch after the other, and nobody waits for them but `stop`. */
  private consequences: Promise<void> = Promise.resolve();
  private readonly batcher = new Batcher<AttemptRecord, undefined>((records) => this.write(records), {
    maxItems: 512,
    maxRunning: 2,
    isItemsFault: isDataError,
  });

  constructor(
    private readonly store: AttemptStore,
    private readonly health: HealthKeeper,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the attempt is committed; while the database is away it keeps trying. */
  record(attempt: AttemptRecord): Promise<undefined> {
    return this.batcher.add(attempt);
  }

  /** From now on a failing write is given up: the rows' leases bring the deliveries back. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.consequences;
  }

  private async write(records: AttemptRecord[]): Promise<undefined[]> {
    for (;;) {
      try {
        const startedMs = performance.now();
        await this.store.recordAcrossTenants(records, this.clock.now());
        tell(records, performance.now() - startedMs);
        this.consequences = this.consequences
          .then(() => this.health.observe(records))
          .catch((error: Error) => logger.error({ err: error.message }, 'consequences of attempts could not be drawn'));
        return records.map(() => undefined);
      } catch (error) {
        logger.error({ err: (error as Error).message, attempts: records.length }, 'attempts could not be recorded');
        if (this.stopped || isDataError(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}

/** SQLSTATE classes 22 and 23: a value does not fit, and would not the next time either. */
function isDataError(error: unknown): boolean {
  return /^2[23]/.test(String((error as { code?: unknown })?.code ?? ''));
}

const MESSAGES = {
  retry: 'attempt failed, will be retried',
  held: 'receiver switched off, delivery held',
  failed: 'delivery failed',
};

/** One wide line for the batch, and one for each attempt that did not deliver; and the metrics of both. */
function tell(records: AttemptRecord[], recordMs: number): void {
  const count = { delivered: 0, retry: 0, held: 0, failed: 0 };
  for (const record of records) {
    count[record.outcome]++;
    metrics.attemptSeconds.observe(record.durationMs / 1000);
    if (record.outcome === 'delivered') continue;
    const { tenantId, id, subscriptionId, number, statusCode, errorCode, durationMs, dueAt } = record;
    metrics.attemptFailures.inc({ reason: statusCode === null ? (errorCode ?? 'unknown') : statusClass(statusCode) });
    logger.info(
      {
        tenantId,
        deliveryId: id,
        subscriptionId,
        attempt: number,
        statusCode,
        errorCode,
        durationMs,
        nextAttemptAt: dueAt,
      },
      MESSAGES[record.outcome],
    );
  }
  for (const outcome of Object.keys(count) as (keyof typeof count)[]) metrics.attempts.inc({ outcome }, count[outcome]);
  logger.info({ ...count, recordMs: Math.round(recordMs) }, 'attempts recorded');
}
