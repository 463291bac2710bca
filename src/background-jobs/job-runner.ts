import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { DueRelay } from '../queue/due-relay.js';
import { BackgroundJobStore, type ClaimedJob } from './background-job.store.js';
import type { JobWork } from './job-work.js';

const JOBS_AT_ONCE = 2;

/** Runs background jobs in the workers, a step at a time. Features say what the steps are: `add`. */
@Injectable()
export class JobRunner implements BeforeApplicationShutdown {
  private readonly kinds = new Map<string, JobWork>();
  private readonly running = new Set<Promise<void>>();
  private stopped = false;

  constructor(
    private readonly store: BackgroundJobStore,
    private readonly relay: DueRelay,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  add(work: JobWork): void {
    if (this.kinds.has(work.kind)) throw new Error(`there are two kinds of job called "${work.kind}"`);
    this.kinds.set(work.kind, work);
  }

  /** Called once, where jobs are to be run. */
  start(): void {
    this.relay.add({
      name: 'background jobs',
      room: () => (this.stopped ? 0 : JOBS_AT_ONCE - this.running.size),
      take: (limit) => this.take(limit),
    });
  }

  /** The step under way is finished; the rest of a job is another process's. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
  }

  private async take(limit: number): Promise<number> {
    const jobs = await this.store.claimDueAcrossTenants(this.clock.now(), this.leaseUntil(), limit);
    for (const job of jobs) {
      const run = this.run(job).finally(() => this.running.delete(run));
      this.running.add(run);
    }
    return jobs.length;
  }

  private async run(job: ClaimedJob): Promise<void> {
    const { tenantId, id, kind, parameters } = job;
    try {
      const work = this.kinds.get(kind);
      if (!work) throw new Error(`this version knows no job "${kind}"`);
      for (let { cursor } = job; ; ) {
        if (this.stopped) return await this.store.giveBack(tenantId, id, this.clock.now());
        const progress = await work.step({ tenantId, jobId: id, parameters, cursor });
        const ours = await this.store.recordStep({ ...job, cursor }, progress, this.leaseUntil(), this.clock.now());
        if (!ours || progress.finished) return;
        cursor = progress.cursor;
      }
    } catch (error) {
      logger.error({ tenantId, jobId: id, kind, err: (error as Error).message }, 'background job failed');
      const words = `The job failed for a reason on our side (${(error as Error).name}). What was done stays done; ask for it again.`;
      await this.store.fail(tenantId, id, words, this.clock.now()).catch(() => undefined);
    }
  }

  private leaseUntil(): Date {
    return new Date(this.clock.now().getTime() + this.config.delivery.leaseMs);
  }
}
