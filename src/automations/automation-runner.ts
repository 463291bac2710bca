import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { ProviderError } from '../connections/provider-error.js';
import { Clock } from '../core/clock.js';
import { nextAttemptAt, type RetrySchedule } from '../core/retry-schedule.js';
import { EventPublisher } from '../deliveries/event-publisher.js';
import { logger } from '../observability/logger.js';
import { DueRelay } from '../queue/due-relay.js';
import { automationFailed } from './automation-failed.js';
import { AutomationTaskStore, type ClaimedTask, type TaskEnd } from './automation-task.store.js';
import { TaskFailure, type TaskOutcome, type TaskPerformer } from './task-performer.js';

/** At once, then after 10 s, 1 min, 5 min, 30 min, 2 h, 6 h: a provider is mostly away for minutes, at times for a night. */
export const TASK_SCHEDULE: RetrySchedule = [0, 10, 60, 300, 1800, 7200, 21_600];

const TASKS_AT_ONCE = 16;
/** A provider that answers slowly is one tenant's, and must not hold up the others. */
const TASKS_AT_ONCE_PER_TENANT = 4;

/**
 * Does planned tasks, in the workers: claims those whose time and turn have come, performs them at the providers and records what
 * came of it. A task is leased in Postgres while it is held here; features say how tasks are done: `add`.
 */
@Injectable()
export class AutomationRunner implements BeforeApplicationShutdown {
  private readonly performers = new Map<string, TaskPerformer>();
  private readonly held = new Map<string, ClaimedTask>();
  private readonly running = new Set<Promise<void>>();
  private renewal: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly store: AutomationTaskStore,
    private readonly relay: DueRelay,
    private readonly publisher: EventPublisher,
  ) {}

  add(performer: TaskPerformer): void {
    for (const kind of performer.kinds) {
      if (this.performers.has(kind)) throw new Error(`two performers do tasks of the kind "${kind}"`);
      this.performers.set(kind, performer);
    }
  }

  /** Called once, where tasks are to be done. */
  start(): void {
    this.relay.add({
      name: 'automation tasks',
      room: () => (this.stopped ? 0 : TASKS_AT_ONCE - this.running.size),
      take: (limit) => this.take(limit),
    });
    this.renewal = setInterval(() => void this.renewLeases(), this.config.delivery.leaseMs / 3);
  }

  /** What is under way is finished, for as long as that may take; the rest comes back when its lease ends. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    await this.relay.stop();
    const grace = new Promise((resolve) => setTimeout(resolve, this.config.shutdownGraceMs).unref());
    await Promise.race([Promise.all(this.running), grace]);
    clearInterval(this.renewal);
  }

  private async take(limit: number): Promise<number> {
    const counts = new Map<string, number>();
    for (const { tenantId } of this.held.values()) counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
    const tasks = await this.store.claimDueAcrossTenants(this.clock.now(), this.leaseUntil(), {
      all: limit,
      each: TASKS_AT_ONCE_PER_TENANT,
      not: [...counts].flatMap(([tenantId, count]) => (count >= TASKS_AT_ONCE_PER_TENANT ? [tenantId] : [])),
    });
    for (const task of tasks) {
      this.held.set(task.id, task);
      const run = this.run(task).finally(() => {
        this.held.delete(task.id);
        this.running.delete(run);
      });
      this.running.add(run);
    }
    return tasks.length;
  }

  private async run(task: ClaimedTask): Promise<void> {
    const performer = this.performers.get(task.kind);
    try {
      const end = performer ? await this.perform(performer, task) : unknownKind(task);
      if (end.status === 'failed') await performer?.giveUp?.(task, end.errorMessage);
      await this.record(task, end);
    } catch (error) {
      // The lease brings it back.
      logger.error({ ...about(task), err: (error as Error).message }, 'what came of a task could not be recorded');
    }
  }

  private async perform(performer: TaskPerformer, task: ClaimedTask): Promise<TaskEnd> {
    try {
      return ended(await performer.perform(task));
    } catch (error) {
      const { words, again, notBefore } = this.judge(error as Error);
      const now = this.clock.now();
      const schedule = performer.schedule ?? TASK_SCHEDULE;
      const next = again ? nextAttemptAt(schedule, task.attempt, now, Math.random()) : null;
      logger.warn({ ...about(task), next, err: (error as Error).message }, 'automation task failed');
      if (next === null) return { status: 'failed', errorMessage: words };
      return { status: 'pending', dueAt: later(next, notBefore), errorMessage: words };
    }
  }

  private judge(error: Error): { words: string; again: boolean; notBefore: Date | null } {
    if (error instanceof ProviderError) {
      const { retryAfterMs, isPassing, message } = error;
      const notBefore = retryAfterMs === null ? null : new Date(this.clock.now().getTime() + retryAfterMs);
      return { words: message, again: isPassing, notBefore };
    }
    if (error instanceof TaskFailure) return { words: error.message, again: false, notBefore: null };
    return { words: `It failed for a reason on our side (${error.name}).`, again: true, notBefore: null };
  }

  /** The end of a task and, when it failed for good, what the tenant is told of it, in one commit. */
  private async record(task: ClaimedTask, end: TaskEnd): Promise<void> {
    const now = this.clock.now();
    const stored = await this.store.inTransaction(async (tx) => {
      const ours = await this.store.finish(tx, task, end, now);
      if (!ours || end.status !== 'failed') return [];
      const told = automationFailed(task, end.errorMessage, now);
      return this.publisher.publishInTransaction(tx, [told], { onlyWanted: true });
    });
    this.publisher.handOver(stored);
  }

  private async renewLeases(): Promise<void> {
    if (this.held.size === 0) return;
    await this.store.setDueAcrossTenants([...this.held.values()], this.leaseUntil()).catch((error: Error) => {
      logger.warn({ err: error.message }, 'leases of automation tasks could not be renewed');
    });
  }

  private leaseUntil(): Date {
    return new Date(this.clock.now().getTime() + this.config.delivery.leaseMs);
  }
}

function ended(outcome: TaskOutcome): TaskEnd {
  if (outcome.kind === 'done') return { status: 'done', result: outcome.did };
  return { status: 'skipped', errorMessage: outcome.why };
}

function unknownKind({ kind }: ClaimedTask): TaskEnd {
  return { status: 'failed', errorMessage: `This version knows no task of the kind "${kind}".` };
}

function later(time: Date, notBefore: Date | null): Date {
  return notBefore !== null && notBefore > time ? notBefore : time;
}

function about({ tenantId, id, kind, attempt }: ClaimedTask) {
  return { tenantId, taskId: id, kind, attempt };
}
