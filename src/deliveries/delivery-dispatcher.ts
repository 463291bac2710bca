import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { judge, type SendResult } from '../core/attempt-outcome.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import type { Target } from '../subscriptions/subscription-targets.js';
import { AttemptRecorder } from './attempt-recorder.js';
import { type AttemptRecord, type DeliveryRef, DeliveryStore, type LoadedDelivery } from './delivery.store.js';
import { type Admitted, DeliveryAdmission } from './delivery-admission.js';
import { DeliveryLanes } from './delivery-lanes.js';
import { HttpSender } from './http-sender.js';
import { buildRequest } from './request-builder.js';

/** A row that its lane found no room for comes back after this time. */
const NO_ROOM_MS = 1000;
/** A held delivery is looked at again after this time; whether it is sent then, the endpoint's pause decides. */
const HELD_MS = 60_000;

/**
 * Sends what it is handed: load → admit → sign → send → judge → record.
 *
 * A row is leased in Postgres while it is held here (`leaseUntil`), and the lease is renewed for as long as that takes.
 */
@Injectable()
export class DeliveryDispatcher {
  private readonly held = new Map<string, DeliveryRef>();
  private readonly lanes: DeliveryLanes<Admitted>;
  /** Rows that wait here for their place in a rate limit. */
  private readonly pacing = new Map<NodeJS.Timeout, Admitted>();
  private loading = 0;
  running = false;
  private renewal: NodeJS.Timeout | undefined;
  /** The grace is over: what ends from now on ends because we cut it, which is not the endpoint's failure. */
  private abandoned = false;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly store: DeliveryStore,
    private readonly admission: DeliveryAdmission,
    private readonly sender: HttpSender,
    private readonly recorder: AttemptRecorder,
  ) {
    this.lanes = new DeliveryLanes(config.delivery, (row) => this.process(row));
  }

  start(): void {
    this.running = true;
    this.renewal = setInterval(() => void this.renewLeases(), this.config.delivery.leaseMs / 3);
  }

  /** How many more rows may be handed over now; 0 where this process does not deliver. */
  get room(): number {
    return this.running ? Math.max(0, this.lanes.room - this.loading - this.pacing.size) : 0;
  }

  leaseUntil(): Date {
    return new Date(this.clock.now().getTime() + this.config.delivery.leaseMs);
  }

  /** Takes leased rows. Resolves when they are admitted, not when they are delivered: the slowest must not hold up the next. */
  async dispatch(refs: readonly DeliveryRef[]): Promise<void> {
    const fresh = refs.filter((ref) => !this.held.has(ref.id));
    this.loading += fresh.length;
    try {
      const loaded = await this.store.loadChunkAcrossTenants(fresh);
      const admitted = await this.admission.admit(loaded.filter((delivery) => !this.held.has(delivery.id)));
      const refused = admitted.filter((row) => !this.take(row)).map((row) => row.delivery);
      await this.setDue(refused, new Date(this.clock.now().getTime() + NO_ROOM_MS), 'deliveries could not be put off');
    } catch (error) {
      // The lease brings them back.
      logger.error({ err: (error as Error).message, deliveries: fresh.length }, 'chunk could not be loaded');
    } finally {
      this.loading -= fresh.length;
    }
  }

  /** Sends one delivery now, past the lanes, and records it; for a request that a person waits for. One attempt, no retry. */
  async deliverNow(ref: DeliveryRef): Promise<void> {
    const [delivery] = await this.store.loadChunkAcrossTenants([ref]);
    const target = delivery && (await this.admission.targetOf([delivery]));
    if (!delivery || !target) return;
    const attempt = await this.attempt(delivery, { ...target, retrySchedule: [] }, false);
    // What a test finds is for the person who made it: it counts neither for nor against the endpoint.
    await this.recorder.record({
      ...attempt,
      verdict: { kind: 'unchanged' },
      outcome: attempt.outcome === 'delivered' ? 'delivered' : 'failed',
      dueAt: null,
    });
  }

  /** Gives back what has not been started, then waits for what has, for so long. */
  async stop(graceMs: number): Promise<void> {
    this.running = false;
    const waiting = [...this.lanes.drain(), ...this.pacing.values()];
    for (const timer of this.pacing.keys()) clearTimeout(timer);
    this.pacing.clear();
    for (const row of waiting) this.held.delete(row.delivery.id);
    await this.giveBack(waiting.map((row) => row.delivery));
    const until = performance.now() + graceMs;
    while (this.held.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    this.abandoned = true;
    await this.recorder.stop();
    clearInterval(this.renewal);
    await this.giveBack([...this.held.values()]);
  }

  /** Holds a row from now on; false when there is no room for it in its lane. */
  private take(row: Admitted): boolean {
    if (!this.running) return false;
    const { id } = row.delivery;
    this.held.set(id, row.delivery);
    const waitMs = row.at ? row.at.getTime() - this.clock.now().getTime() : 0;
    if (waitMs > 0) {
      const timer = setTimeout(() => {
        this.pacing.delete(timer);
        if (!this.enter(row)) void this.giveBack([row.delivery]);
      }, waitMs);
      this.pacing.set(timer, row);
      return true;
    }
    return this.enter(row);
  }

  private enter(row: Admitted): boolean {
    const entered = this.lanes.offer(row);
    if (!entered) this.held.delete(row.delivery.id);
    return entered;
  }

  private async process({ delivery, target, probe }: Admitted): Promise<void> {
    let finished = false;
    try {
      const attempt = await this.attempt(delivery, target, probe);
      if (this.abandoned) return;
      await this.recorder.record(attempt);
      finished = attempt.outcome === 'delivered' || attempt.outcome === 'failed';
    } catch (error) {
      // Not recorded: the lease brings the delivery back, with the same webhook-id.
      logger.error({ err: (error as Error).message, deliveryId: delivery.id }, 'attempt was not recorded');
    } finally {
      this.held.delete(delivery.id);
    }
    if (finished && delivery.sequenceKey !== null)
      void this.continueSequence(delivery.subscriptionId, delivery.sequenceKey);
  }

  /** The next one of an ordered subscription may go now that the one before it is finished. */
  private async continueSequence(subscriptionId: string, sequenceKey: string): Promise<void> {
    if (!this.running) return;
    try {
      const next = await this.store.claimNextInSequence(subscriptionId, sequenceKey, this.leaseUntil());
      if (next) await this.dispatch([next]);
    } catch (error) {
      logger.warn({ subscriptionId, err: (error as Error).message }, 'sequence goes on when its next delivery is due');
    }
  }

  private async attempt(delivery: LoadedDelivery, target: Target, probe: boolean): Promise<AttemptRecord> {
    const sentAt = this.clock.now();
    const number = delivery.attemptCount + 1;
    const request = buildRequest(delivery, target, sentAt, this.config.version);
    const startedMs = performance.now();
    const result = await this.sender.send({ ...request, timeoutMs: target.timeoutMs });
    const durationMs = Math.round(performance.now() - startedMs);
    const now = this.clock.now();
    const { delivery: outcome, endpoint: verdict } = judge(result, {
      url: target.url,
      schedule: target.retrySchedule,
      attemptsMade: number,
      now,
      random: Math.random(),
    });
    const error = outcome.kind === 'delivered' ? null : outcome.error;
    return {
      tenantId: delivery.tenantId,
      id: delivery.id,
      subscriptionId: delivery.subscriptionId,
      eventId: delivery.event.id,
      eventType: delivery.event.type,
      sequenceKey: delivery.sequenceKey,
      number,
      sentAt,
      durationMs,
      outcome: outcome.kind === 'givenUp' ? 'failed' : outcome.kind,
      dueAt: outcome.kind === 'retry' ? outcome.at : outcome.kind === 'held' ? new Date(now.getTime() + HELD_MS) : null,
      verdict,
      probe,
      errorCode: error?.code ?? null,
      errorMessage: error?.message ?? null,
      requestHeaders: JSON.stringify(request.recordedHeaders),
      ...answerColumns(result),
    };
  }

  private async renewLeases(): Promise<void> {
    await this.setDue([...this.held.values()], this.leaseUntil(), 'leases could not be renewed');
  }

  private async giveBack(refs: DeliveryRef[]): Promise<void> {
    await this.setDue(refs, this.clock.now(), 'deliveries could not be given back; their leases will end');
  }

  private async setDue(refs: DeliveryRef[], dueAt: Date, complaint: string): Promise<void> {
    if (refs.length === 0) return;
    await this.store.setDueAcrossTenants(refs, dueAt).catch((error: Error) => {
      logger.warn({ err: error.message, deliveries: refs.length }, complaint);
    });
  }
}

const MAX_RESPONSE_HEADERS = 8 * 1024;

function answerColumns(result: SendResult): Pick<AttemptRecord, 'statusCode' | 'responseHeaders' | 'responseBody'> {
  if (result.kind !== 'response') return { statusCode: null, responseHeaders: null, responseBody: null };
  const headers = JSON.stringify(result.headers);
  return {
    statusCode: result.status,
    responseHeaders: headers.length > MAX_RESPONSE_HEADERS ? '{}' : headers,
    responseBody: result.body,
  };
}
