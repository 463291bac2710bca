import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { AutomationTask, AutomationTaskStatus, Prisma } from '../generated/prisma/client.js';
import type { RowRef } from '../queue/chunk-queue.js';

export type { AutomationTask, AutomationTaskStatus };

export interface NewTask {
  kind: string;
  key: string;
  subject: string;
  payload: object;
}

/** What led to a task. */
export interface TaskCause {
  inboundEventId: string | null;
  hops: number | null;
}

/** A task whose try has begun. */
export type ClaimedTask = Pick<
  AutomationTask,
  'tenantId' | 'id' | 'kind' | 'key' | 'subject' | 'payload' | 'inboundEventId' | 'hops' | 'errorMessage' | 'createdAt'
> & {
  /** 1 for the first try. */
  attempt: number;
};

export type TaskEnd =
  | { status: 'done'; result: Record<string, unknown> }
  | { status: 'skipped' | 'failed'; errorMessage: string }
  | { status: 'pending'; dueAt: Date; errorMessage: string };

export interface TaskFilter {
  status?: AutomationTaskStatus;
  subject?: string;
  kind?: string;
  inboundEventId?: string;
}

// A task waits for those of its subject that were planned before it and have not ended: also while they are leased or wait for
// their next try, so that what happened first is done first. A tenant gets a few at once, the one that waits longest first.
const CLAIM = `
  update automation_tasks t set due_at = $2, attempt_count = t.attempt_count + 1
  from (
    select one.tenant_id, one.id
    from (
      select tenant_id, min(due_at) as due_at from automation_tasks
      where status = 'pending' and due_at <= $1 and tenant_id <> all($4::uuid[])
      group by tenant_id order by 2 limit $3
    ) tenant
    cross join lateral (
      select c.tenant_id, c.id from automation_tasks c
      where c.tenant_id = tenant.tenant_id and c.status = 'pending' and c.due_at <= $1 and not exists (
        select 1 from automation_tasks e
        where e.tenant_id = c.tenant_id and e.subject = c.subject and e.status = 'pending' and e.id < c.id)
      order by c.due_at limit $5 for update skip locked
    ) one
    limit $3
  ) due
  where t.tenant_id = due.tenant_id and t.id = due.id and t.status = 'pending'
  returning t.tenant_id as "tenantId", t.id, t.kind, t.key, t.subject, t.payload, t.inbound_event_id as "inboundEventId",
            t.hops::int as hops, t.error_message as "errorMessage", t.created_at as "createdAt", t.attempt_count::int as attempt`;

const SET_DUE = `
  update automation_tasks t set due_at = $3
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where t.tenant_id = ref.tenant_id and t.id = ref.id and t.status = 'pending'`;

@Injectable()
export class AutomationTaskStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly hot: HotPool,
  ) {}

  /** Stores those whose key is not known yet. @returns the ids of the new ones */
  async plan(
    tx: Transaction,
    tenantId: string,
    tasks: readonly NewTask[],
    cause: TaskCause,
    now: Date,
  ): Promise<string[]> {
    const data = tasks.map((task) => ({
      ...task,
      ...cause,
      payload: task.payload as Prisma.InputJsonValue,
      id: newId(),
      tenantId,
      dueAt: now,
      createdAt: now,
    }));
    const rows = await tx.automationTask.createManyAndReturn({ data, skipDuplicates: true, select: { id: true } });
    return rows.map(({ id }) => id);
  }

  /**
   * Leases tasks whose time and turn have come, the longest waiting first, and counts the try.
   * @param limit.each for one tenant @param limit.not tenants that have enough
   */
  claimDueAcrossTenants(
    now: Date,
    leaseUntil: Date,
    limit: { all: number; each: number; not: readonly string[] },
  ): Promise<ClaimedTask[]> {
    const values = [now, leaseUntil, limit.all, limit.not, limit.each];
    return this.hot.query<ClaimedTask & Record<string, unknown>>('task-claim', CLAIM, values);
  }

  /** Renews leases, or gives tasks back. */
  async setDueAcrossTenants(refs: readonly RowRef[], dueAt: Date): Promise<void> {
    await this.hot.query('task-set-due', SET_DUE, [
      refs.map(({ tenantId }) => tenantId),
      refs.map(({ id }) => id),
      dueAt,
    ]);
  }

  /**
   * Writes what came of a try. False when the task is no longer that try's: somebody whose lease had ended was not dead but slow.
   */
  async finish(tx: Transaction, task: ClaimedTask, end: TaskEnd, now: Date): Promise<boolean> {
    const { tenantId, id, attempt } = task;
    const { count } = await tx.automationTask.updateMany({
      where: { tenantId, id, status: 'pending', attemptCount: attempt },
      data: {
        status: end.status,
        errorMessage: end.status === 'done' ? null : end.errorMessage,
        ...(end.status === 'done' && { result: end.result as Prisma.InputJsonValue }),
        ...(end.status === 'pending' ? { dueAt: end.dueAt } : { dueAt: null, finishedAt: now }),
      },
    });
    return count === 1;
  }

  inTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.prisma.inTransaction(work);
  }

  find(tenantId: string, id: string): Promise<AutomationTask | null> {
    return this.prisma.automationTask.findUnique({ where: { tenantId_id: { tenantId, id } } });
  }

  /** Newest first. */
  list(tenantId: string, filter: TaskFilter, belowId: string | undefined, take: number): Promise<AutomationTask[]> {
    return this.prisma.automationTask.findMany({
      where: { tenantId, ...filter, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  /** Makes a task that failed or was skipped due again, with all its tries. False when it is in another state. */
  async reopen(tenantId: string, id: string, now: Date): Promise<boolean> {
    const { count } = await this.prisma.automationTask.updateMany({
      where: { tenantId, id, status: { in: ['failed', 'skipped'] } },
      data: { status: 'pending', dueAt: now, attemptCount: 0, finishedAt: null },
    });
    return count === 1;
  }

  /** Whether a task of that kind and subject was planned after this one and has not ended. */
  async hasLater(tenantId: string, task: Pick<ClaimedTask, 'kind' | 'subject' | 'id'>): Promise<boolean> {
    const { kind, subject, id } = task;
    const later = await this.prisma.automationTask.findFirst({
      where: { tenantId, kind, subject, status: 'pending', id: { gt: id } },
      select: { id: true },
    });
    return later !== null;
  }

  /** How many of that kind and subject were done since then with something to show for it: `answered`. */
  countDone(tenantId: string, { kind, subject }: Pick<ClaimedTask, 'kind' | 'subject'>, since: Date): Promise<number> {
    const result = { path: ['answered'], equals: true };
    return this.prisma.automationTask.count({
      where: { tenantId, kind, subject, status: 'done', finishedAt: { gte: since }, result },
    });
  }
}
