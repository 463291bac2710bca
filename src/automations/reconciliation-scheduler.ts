import { Injectable } from '@nestjs/common';
import { BackgroundJobService } from '../background-jobs/background-job.service.js';
import { Clock } from '../core/clock.js';
import { DueRelay } from '../queue/due-relay.js';
import { RECONCILE_JOB } from './reconciler.js';
import { ReconciliationStore } from './reconciliation.store.js';

const LOOK_EVERY_MS = 15_000;
const AT_ONCE = 20;

/** Has connections reconciled when their time has come: rows that are due, so that of many processes one does it. */
@Injectable()
export class ReconciliationScheduler {
  private nextLookMs = 0;

  constructor(
    private readonly store: ReconciliationStore,
    private readonly jobs: BackgroundJobService,
    private readonly relay: DueRelay,
    private readonly clock: Clock,
  ) {}

  /** Called once, in the workers. */
  start(): void {
    this.relay.add({
      name: 'reconciliations',
      room: () => (this.clock.now().getTime() >= this.nextLookMs ? AT_ONCE : 0),
      take: (limit) => this.take(limit),
    });
  }

  private async take(limit: number): Promise<number> {
    const now = this.clock.now();
    const due = await this.store.claimDueAcrossTenants(now, limit);
    if (due.length < limit) this.nextLookMs = now.getTime() + LOOK_EVERY_MS;
    for (const { tenantId, connectionId } of due) {
      const job = { kind: RECONCILE_JOB, parameters: { connectionId }, total: null, createdBy: 'schedule' };
      await this.jobs.create(tenantId, job);
    }
    return due.length;
  }
}
