import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { judge, type SendResult } from '../core/attempt-outcome.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import type { Target } from '../subscriptions/subscription-targets.js';
import { AttemptRecorder } from './attempt-recorder.js';
import { type AttemptRecord, type DeliveryRef, DeliveryStore, type LoadedDelivery } from './delivery.store.js';
import { type Admitted, DeliveryAdmission } from './delivery-admission.js';
import { DeliveryBacklog } from './delivery-backlog.js';
import { DeliveryLanes } from './delivery-lanes.js';
import { DeliveryPacing } from './delivery-pacing.js';
import { HttpSender } from './http-sender.js';
import { buildRequest } from './request-builder.js';

/** A lane with fewer rows than this waiting takes parked ones of its subscription, so many at a time. */
const LANE_LOW = 64;
const PARKED_TAKEN = 512;
/** A held delivery is looked at again after this time; whether it is sent then, the endpoint's pause decides. */
const HELD_MS = 60_000;

interface HeldDelivery {
  ref: DeliveryRef;
  renewAtMs: number;
}

/**
 * Sends what it is handed: load → admit → sign → send → judge → record.
 *
 * A row is leased in Postgres while it is held here (`leaseUntil`), and the lease is renewed for as long as that takes.
 */
@Injectable()
export class DeliveryDispatcher {
  private readonly held = new Map<string, HeldDelivery>();
  private readonly lanes: DeliveryLanes<Admitted>;
  private readonly pacing = new DeliveryPacing<Admitted>();
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
    private readonly backlog: DeliveryBacklog,
  ) {
    this.lanes = new DeliveryLanes(config.delivery, (row, answered) => this.process(row, answered));
  }

  start(): void {
    this.running = true;
    this.renewal = setInterval(() => void this.renewLeases(), this.renewalMs / 2);
  }

  /** How many more rows may be handed over now; 0 where this process does not deliver. */
  get room(): number {
    return this.running ? Math.max(0, this.lanes.room - this.loading - this.pacing.size) : 0;
  }

  /** How many of them may be one tenant's, or one subscription's. */
  roomFor(tenantId: string, subscriptionId?: string): number {
    return Math.min(this.room, this.lanes.roomFor(tenantId, subscriptionId));
  }

  /** A row held for so long has its lease renewed: most never are. */
  private get renewalMs(): number {
    return this.config.delivery.leaseMs / 3;
  }

  leaseUntil(): Date {
    return new Date(this.clock.now().getTime() + this.config.delivery.leaseMs);
  }

  /** Takes leased rows. Resolves when they are admitted, not when they are delivered: the slowest must not hold up the next. */
  dispatch(refs: readonly DeliveryRef[]): Promise<void> {
    const fresh = refs.filter((ref) => !this.held.has(ref.id));
    return this.admit(fresh.length, () => this.store.loadChunkAcrossTenants(fresh));
  }

  /** The same for rows that are known whole. */
  dispatchLoaded(deliveries: readonly LoadedDelivery[]): Promise<void> {
    return this.admit(deliveries.length, () => deliveries);
  }

  private async admit(
    count: number,
    load: () => readonly LoadedDelivery[] | Promise<readonly LoadedDelivery[]>,
  ): Promise<void> {
    this.loading += count;
    try {
      const loaded = await load();
      const fresh = loaded.filter((delivery) => !this.held.has(delivery.id));
      const admitted = await this.admission.admit(fresh);
      const refused = admitted.filter((row) => !this.take(row)).map((row) => row.delivery);
      if (refused.length > 0) await this.backlog.park(refused);
      await this.continueSequencesOf(fresh.filter((delivery) => delivery.blocked));
    } catch (error) {
      // The lease brings them back.
      logger.error({ err: (error as Error).message, deliveries: count }, 'chunk could not be loaded');
    } finally {
      this.loading -= count;
    }
  }

  /** Leases rows whose time has come and starts on them; returns how many there were. */
  async takeDue(limit: number): Promise<number> {
    const due = await this.store.claimDueAcrossTenants(this.clock.now(), this.leaseUntil(), limit);
    if (due.length > 0) await this.dispatchLoaded(due);
    return due.length;
  }

  /** The same for parked rows of every subscription that may be sent to; of one that rested, one row probes. */
  async takeParked(): Promise<void> {
    for (const { tenantId, subscriptionId, probe, ratePerSecond } of await this.backlog.waiting()) {
      const limit = Math.min(
        probe ? 1 : (ratePerSecond ?? PARKED_TAKEN),
        PARKED_TAKEN,
        this.roomFor(tenantId, subscriptionId),
      );
      if (limit > 0) await this.takeParkedOf(subscriptionId, limit);
    }
  }

  private async takeParkedOf(subscriptionId: string, limit: number): Promise<void> {
    const rows = await this.backlog.take(subscriptionId, this.leaseUntil(), limit);
    if (rows.length > 0) await this.dispatchLoaded(rows);
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
    const waiting = [...this.lanes.drain(), ...this.pacing.drain()];
    for (const row of waiting) this.held.delete(row.delivery.id);
    await this.giveBack(waiting.map((row) => row.delivery));
    const until = performance.now() + graceMs;
    while (this.held.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    this.abandoned = true;
    await this.recorder.stop();
    clearInterval(this.renewal);
    await this.giveBack([...this.held.values()].map(({ ref }) => ref));
  }

  /** Holds a row from now on; false when there is no room for it in its lane. */
  private take(row: Admitted): boolean {
    if (!this.running) return false;
    const { id } = row.delivery;
    this.held.set(id, { ref: row.delivery, renewAtMs: performance.now() + this.renewalMs });
    const waitMs = row.at ? row.at.getTime() - this.clock.now().getTime() : 0;
    if (waitMs <= 0) return this.enter(row);
    this.pacing.wait(row, waitMs, () => {
      if (!this.enter(row)) void this.giveBack([row.delivery]);
    });
    return true;
  }

  private enter(row: Admitted): boolean {
    const entered = this.lanes.offer(row);
    if (!entered) this.held.delete(row.delivery.id);
    return entered;
  }

  private async process({ delivery, target, probe }: Admitted, answered: () => void): Promise<void> {
    let finished = false;
    let delivered = false;
    try {
      const attempt = await this.attempt(delivery, target, probe);
      // The next one to an endpoint that failed goes when that is on record: it may be left alone now.
      delivered = attempt.outcome === 'delivered';
      if (delivered) answered();
      if (this.abandoned) return;
      await this.recorder.record(attempt);
      finished = delivered || attempt.outcome === 'failed';
    } catch (error) {
      // Not recorded: the lease brings the delivery back, with the same webhook-id.
      logger.error({ err: (error as Error).message, deliveryId: delivery.id }, 'attempt was not recorded');
    } finally {
      this.held.delete(delivery.id);
    }
    // Of one that fails the relay takes more, in its own time.
    if (delivered) this.refill(delivery, target.ratePerSecond);
    if (finished && delivery.sequenceKey !== null)
      void this.continueSequence(delivery.subscriptionId, delivery.sequenceKey);
  }

  /** Takes parked rows of a subscription that has few left here: of one with a rate, what it may send in a second. */
  private refill({ tenantId, subscriptionId }: LoadedDelivery, ratePerSecond: number | null): void {
    if (!this.running || !this.backlog.has(subscriptionId)) return;
    const room = this.roomFor(tenantId, subscriptionId);
    const waiting = this.lanes.waiting(tenantId, subscriptionId) + this.pacing.waiting(subscriptionId);
    if (
      room < Math.min(LANE_LOW, this.config.delivery.held / 8) ||
      waiting >= Math.min(LANE_LOW, (ratePerSecond ?? Infinity) / 2)
    )
      return;
    this.takeParkedOf(subscriptionId, Math.min(PARKED_TAKEN, room, ratePerSecond ?? Infinity)).catch((error: Error) => {
      logger.warn({ subscriptionId, err: error.message }, 'parked deliveries wait for the relay');
    });
  }

  /** What blocked them may have ended while they were looked at, and found nobody to wake. */
  private async continueSequencesOf(blocked: readonly LoadedDelivery[]): Promise<void> {
    const sequences = new Map(blocked.map((one) => [`${one.subscriptionId} ${one.sequenceKey}`, one]));
    for (const { subscriptionId, sequenceKey } of sequences.values())
      await this.continueSequence(subscriptionId, sequenceKey as string);
  }

  /** The next one of an ordered subscription may go now that the one before it is finished. */
  private async continueSequence(subscriptionId: string, sequenceKey: string): Promise<void> {
    if (!this.running) return;
    try {
      const next = await this.store.claimNextInSequence(
        subscriptionId,
        sequenceKey,
        this.clock.now(),
        this.leaseUntil(),
      );
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
    const nowMs = performance.now();
    const ending = [...this.held.values()].filter((row) => row.renewAtMs <= nowMs);
    for (const row of ending) row.renewAtMs = nowMs + this.renewalMs;
    await this.setDue(
      ending.map(({ ref }) => ref),
      this.leaseUntil(),
      'leases could not be renewed',
    );
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
