import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { AppError } from '../core/errors.js';
import { nextAttemptAt, type RetrySchedule } from '../core/retry-schedule.js';
import { EventPublisher } from '../deliveries/event-publisher.js';
import { logger } from '../observability/logger.js';
import { metrics } from '../observability/metrics.js';
import type { RowRef } from '../queue/chunk-queue.js';
import { EventEffects, type EventPlan } from './event-effects.js';
import { PermanentFailure } from './handlers/inbound-handler.js';
import { inboundFailed } from './inbound-failed.js';
import { type LoadedInboundEvent, ProcessingStore } from './processing.store.js';

/** At once, then after 10 s, 1 min, 5 min, 30 min, 2 h: what fails is mostly something else that is away for a while. */
export const PROCESSING_SCHEDULE: RetrySchedule = [0, 10, 60, 300, 1800, 7200];

const CHUNK = 32;
/** Each takes a connection of Prisma's small pool for as long as its transaction lasts. */
const CONCURRENT_CHUNKS = 3;
const HELD = 2000;

interface Planned {
  event: LoadedInboundEvent;
  plan: EventPlan;
}

/**
 * Processes what it is handed: load → plan → handle and route → record, the last two in one transaction. A row is leased in Postgres
 * while it is held here, and the lease is renewed for as long as that takes.
 */
@Injectable()
export class EventProcessor {
  private readonly held = new Map<string, RowRef>();
  private waiting: RowRef[] = [];
  private chunks = 0;
  private running = false;
  private renewal: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly store: ProcessingStore,
    private readonly effects: EventEffects,
    private readonly publisher: EventPublisher,
  ) {}

  start(): void {
    this.running = true;
    this.renewal = setInterval(() => void this.renewLeases(), this.leaseMs / 3);
  }

  /** How many more rows may be handed over now; 0 where this process does not process. */
  get room(): number {
    return this.running ? Math.max(0, HELD - this.held.size) : 0;
  }

  get isRunning(): boolean {
    return this.running;
  }

  leaseUntil(): Date {
    return new Date(this.clock.now().getTime() + this.leaseMs);
  }

  /** Takes leased rows; those it holds already are left as they are. Where it has been stopped, it gives them back. */
  take(refs: readonly RowRef[]): void {
    if (!this.running) {
      void this.giveBack(refs);
      return;
    }
    for (const ref of refs) {
      if (this.held.has(ref.id)) continue;
      this.held.set(ref.id, ref);
      this.waiting.push(ref);
    }
    this.startChunks();
  }

  /** Gives back what has not been started, then waits for what has, for so long. */
  async stop(graceMs: number): Promise<void> {
    this.running = false;
    const waiting = this.waiting;
    this.waiting = [];
    for (const ref of waiting) this.held.delete(ref.id);
    await this.giveBack(waiting);
    const until = performance.now() + graceMs;
    while (this.held.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    clearInterval(this.renewal);
    await this.giveBack([...this.held.values()]);
  }

  private startChunks(): void {
    while (this.waiting.length > 0 && this.chunks < CONCURRENT_CHUNKS) {
      const chunk = this.waiting.splice(0, CHUNK);
      this.chunks++;
      void this.processChunk(chunk).finally(() => {
        for (const ref of chunk) this.held.delete(ref.id);
        this.chunks--;
        this.startChunks();
      });
    }
  }

  private async processChunk(refs: RowRef[]): Promise<void> {
    try {
      const startedAt = this.clock.now();
      const events = await this.store.beginAcrossTenants(refs, this.leaseUntil());
      const planned = await Promise.all(
        events.map(async (event): Promise<Planned> => ({ event, plan: await this.effects.plan(event) })),
      );
      const idle = planned.filter(({ plan }) => plan.handlers.length === 0 && plan.routes.length === 0);
      if (idle.length > 0) {
        await this.store.finishIdleAcrossTenants(
          idle.map(({ event }) => event),
          startedAt,
          this.clock.now(),
        );
        metrics.inboundProcessed.inc({ outcome: 'processed' }, idle.length);
      }
      for (const one of planned) {
        if (!idle.includes(one)) await this.process(one);
        this.held.delete(one.event.id);
      }
    } catch (error) {
      // The leases bring them back.
      logger.error({ err: (error as Error).message, events: refs.length }, 'inbound events could not be processed');
    }
  }

  private async process({ event, plan }: Planned): Promise<void> {
    const startedAt = this.clock.now();
    const startedMs = performance.now();
    const durationMs = () => Math.round(performance.now() - startedMs);
    try {
      const payload = event.payload ?? (await this.store.payload(event.tenantId, event.id));
      const applied = await this.store.inTransaction(async (tx) => {
        if (!(await this.store.lock(tx, event.tenantId, event.id))) return null;
        const done = await this.effects.apply(tx, { ...event, payload }, plan);
        const { outcome, errorMessage } = done;
        const result = JSON.stringify(done.result);
        const made = { outcome, errorMessage, result, dueAt: null, startedAt, durationMs: durationMs() };
        await this.store.finish(tx, event, made, this.clock.now());
        return done;
      });
      if (!applied) return;
      metrics.inboundProcessed.inc({ outcome: applied.outcome });
      this.publisher.handOver(applied.stored);
    } catch (error) {
      await this.recordFailure(event, error as Error, startedAt, durationMs());
    }
  }

  private async recordFailure(event: LoadedInboundEvent, error: Error, startedAt: Date, durationMs: number) {
    const { tenantId, id } = event;
    const now = this.clock.now();
    const permanent = error instanceof PermanentFailure || (error instanceof AppError && error.status < 500);
    const dueAt = permanent ? null : nextAttemptAt(PROCESSING_SCHEDULE, event.attemptCount + 1, now, Math.random());
    const errorMessage = permanent
      ? error.message
      : `Processing failed for a reason on our side (${error.name}).${dueAt ? '' : ' It was given up; it can be processed again.'}`;
    const outcome = dueAt ? 'retry' : 'failed';
    metrics.inboundProcessed.inc({ outcome });
    logger.warn({ tenantId, inboundEventId: id, outcome, err: error.message }, 'inbound event could not be processed');
    const stored = await this.store.inTransaction(async (tx) => {
      if (!(await this.store.lock(tx, tenantId, id))) return [];
      const made = { outcome, errorMessage, result: null, dueAt, startedAt, durationMs } as const;
      await this.store.finish(tx, event, made, now);
      if (dueAt) return [];
      return this.publisher.publishInTransaction(tx, [inboundFailed(event, errorMessage, now)], { onlyWanted: true });
    });
    this.publisher.handOver(stored);
  }

  private async renewLeases(): Promise<void> {
    if (this.held.size === 0) return;
    await this.store.renewLeasesAcrossTenants([...this.held.values()], this.leaseUntil()).catch((error: Error) => {
      logger.warn({ err: error.message }, 'leases of inbound events could not be renewed');
    });
  }

  private async giveBack(refs: readonly RowRef[]): Promise<void> {
    if (refs.length === 0) return;
    await this.store.setDueAcrossTenants(refs, this.clock.now()).catch((error: Error) => {
      logger.warn(
        { err: error.message, events: refs.length },
        'inbound events were not given back; their leases will end',
      );
    });
  }

  private get leaseMs(): number {
    return this.config.delivery.leaseMs;
  }
}
