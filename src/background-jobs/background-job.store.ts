import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { BackgroundJob, BackgroundJobStatus, Prisma } from '../generated/prisma/client.js';
import type { JobProgress } from './job-work.js';

export type { BackgroundJob, BackgroundJobStatus };

export interface NewJob {
  kind: string;
  /** JSON. */
  parameters: object;
  total: number | null;
  createdBy: string;
}

const CLAIM = `
  update background_jobs j set due_at = $2, status = 'running', started_at = coalesce(j.started_at, $1)
  from (
    select id from background_jobs where status in ('queued', 'running') and due_at <= $1
    order by due_at limit $3 for update skip locked
  ) due
  where j.id = due.id
  returning j.tenant_id as "tenantId", j.id, j.kind, j.parameters, j.cursor`;

export type ClaimedJob = Pick<BackgroundJob, 'tenantId' | 'id' | 'kind' | 'parameters' | 'cursor'>;

@Injectable()
export class BackgroundJobStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly hot: HotPool,
  ) {}

  create(tenantId: string, job: NewJob, now: Date, tx: Transaction = this.prisma): Promise<BackgroundJob> {
    const parameters = job.parameters as Prisma.InputJsonValue;
    return tx.backgroundJob.create({
      data: { ...job, parameters, id: newId(), tenantId, dueAt: now, createdAt: now },
    });
  }

  find(tenantId: string, id: string): Promise<BackgroundJob | null> {
    return this.prisma.backgroundJob.findUnique({ where: { id, tenantId } });
  }

  /** Newest first. */
  list(
    tenantId: string,
    filter: { kind?: string; status?: BackgroundJobStatus },
    belowId: string | undefined,
    take: number,
  ): Promise<BackgroundJob[]> {
    return this.prisma.backgroundJob.findMany({
      where: { tenantId, ...filter, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  /** Leases jobs that wait, or whose process died. */
  async claimDueAcrossTenants(now: Date, leaseUntil: Date, limit: number): Promise<ClaimedJob[]> {
    return this.hot.query<ClaimedJob & Record<string, unknown>>('job-claim', CLAIM, [now, leaseUntil, limit]);
  }

  /**
   * Writes what a step did and renews the lease. False when the job is no longer the caller's (`cursor` is not the one he began
   * from) or has been ended.
   */
  async recordStep(
    { tenantId, id, cursor }: ClaimedJob,
    progress: JobProgress,
    leaseUntil: Date,
    now: Date,
  ): Promise<boolean> {
    const { done, failed, finished, result } = progress;
    const { count } = await this.prisma.backgroundJob.updateMany({
      where: { id, tenantId, cursor, status: 'running' },
      data: {
        done: { increment: done },
        failed: { increment: failed },
        cursor: progress.cursor,
        ...(result && { result: result as Prisma.InputJsonValue }),
        ...(finished ? { status: 'succeeded' as const, finishedAt: now, dueAt: null } : { dueAt: leaseUntil }),
      },
    });
    return count === 1;
  }

  async fail(tenantId: string, id: string, error: string, now: Date): Promise<void> {
    await this.prisma.backgroundJob.updateMany({
      where: { id, tenantId, status: 'running' },
      data: { status: 'failed', error, finishedAt: now, dueAt: null },
    });
  }

  /** Ends a job that has not ended. */
  async cancel(tenantId: string, id: string, now: Date): Promise<void> {
    await this.prisma.backgroundJob.updateMany({
      where: { id, tenantId, status: { in: ['queued', 'running'] } },
      data: { status: 'cancelled', finishedAt: now, dueAt: null },
    });
  }

  /** Gives a job back: another process goes on with it at once. */
  async giveBack(tenantId: string, id: string, now: Date): Promise<void> {
    await this.prisma.backgroundJob.updateMany({ where: { id, tenantId, status: 'running' }, data: { dueAt: now } });
  }
}
