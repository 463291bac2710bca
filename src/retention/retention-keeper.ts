import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { TenantService } from '../tenants/tenant.service.js';
import { RetentionStore, SWEPT } from './retention.store.js';

const INTERVAL_MS = 3_600_000;
const DAY_MS = 24 * INTERVAL_MS;
const TENANTS_AT_ONCE = 100;
const ROWS_AT_ONCE = 1_000;
/** Statistics are small and worth more the longer they are: a year can be compared with the one before. */
const STATS_KEPT_MS = 400 * DAY_MS;
const STATS_AT_ONCE = 20_000;

/**
 * Removes what is older than a tenant keeps it (`retentionDays`): deliveries with their attempts, events, inbound events, ended jobs.
 * In every worker, once an hour, in small batches with as long a rest after each as it took, so that traffic never waits for it.
 */
@Injectable()
export class RetentionKeeper implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly store: RetentionStore,
    private readonly tenants: TenantService,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.roles.includes('worker')) return;
    this.timer = setInterval(() => {
      this.round = this.round
        .then(() => this.sweep())
        .catch((error: Error) => logger.warn({ err: error.message }, 'old rows were not removed'));
    }, INTERVAL_MS);
    this.timer.unref();
  }

  /** Goes once through all tenants. */
  async sweep(): Promise<void> {
    for (let cursor: string | null | undefined; cursor !== null && !this.stopped; ) {
      const page = await this.tenants.listAcrossTenants({ limit: TENANTS_AT_ONCE, cursor });
      for (const { id, settings } of page.data) {
        if (!this.stopped) await this.sweepTenant(id, settings.retentionDays);
      }
      cursor = page.nextCursor;
    }
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.round;
  }

  private async sweepTenant(tenantId: string, retentionDays: number): Promise<void> {
    const nowMs = this.clock.now().getTime();
    const madeBefore = new Date(nowMs - retentionDays * DAY_MS);
    const removed: Record<string, number> = {};
    for (const what of SWEPT) {
      for (let afterId: string | null = null; !this.stopped; ) {
        const startedMs = performance.now();
        const { rows, lastId } = await this.store.removeSome(tenantId, what, madeBefore, afterId, ROWS_AT_ONCE);
        removed[what] = (removed[what] ?? 0) + rows;
        if (lastId === null) break;
        afterId = lastId;
        await delay(performance.now() - startedMs, undefined, { ref: false });
      }
    }
    await this.store.removeStats(tenantId, new Date(nowMs - STATS_KEPT_MS), STATS_AT_ONCE);
    if (Object.values(removed).some((rows) => rows > 0))
      logger.info({ tenantId, retentionDays, ...removed }, 'old rows removed');
  }
}
