import { Injectable } from '@nestjs/common';
import type { JobProgress, JobStep, JobWork } from '../background-jobs/job-work.js';
import { Clock } from '../core/clock.js';
import type { RetryFilter } from './recovery.dto.js';
import { isPast, RecoveryStore, type RetryScope } from './recovery.store.js';

export type RetryParameters = RetryFilter & { until: string };

interface Standing {
  afterId: string | null;
  reopened: number;
  skipped: number;
}

const ROWS_IN_A_STEP = 1000;

/** The job behind `POST /deliveries/retry`: goes through a tenant's deliveries and makes due those that a filter means. */
@Injectable()
export class BulkRetrier implements JobWork {
  readonly kind = 'deliveries.retry';

  constructor(
    private readonly store: RecoveryStore,
    private readonly clock: Clock,
  ) {}

  async step({ tenantId, parameters, cursor }: JobStep): Promise<JobProgress> {
    const scope = retryScope(parameters as RetryParameters);
    const standing: Standing = cursor ? JSON.parse(cursor) : { afterId: null, reopened: 0, skipped: 0 };
    const page = await this.store.retryPage(tenantId, scope, standing.afterId, ROWS_IN_A_STEP, this.clock.now());
    const next: Standing = {
      afterId: page.last?.id ?? standing.afterId,
      reopened: standing.reopened + page.reopened,
      skipped: standing.skipped + page.chosen - page.reopened,
    };
    const finished = page.size < ROWS_IN_A_STEP || !page.last || isPast(page.last.createdAt, scope.until);
    const { reopened, skipped } = next;
    const result = { reopened, skipped };
    return { done: page.chosen, failed: 0, cursor: JSON.stringify(next), finished, result };
  }
}

export function retryScope({ since, until, ...equal }: RetryParameters): RetryScope {
  return { ...equal, since: new Date(since ?? 0), until: new Date(until) };
}
