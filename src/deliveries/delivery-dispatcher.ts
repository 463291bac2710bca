import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { type AttemptError, judge, type SendResult } from '../core/attempt-outcome.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { SubscriptionTargets, type Target } from '../subscriptions/subscription-targets.js';
import { AttemptRecorder } from './attempt-recorder.js';
import { type AttemptRecord, type DeliveryRef, DeliveryStore, type LoadedDelivery } from './delivery.store.js';
import { DeliveryLanes } from './delivery-lanes.js';
import { HttpSender } from './http-sender.js';
import { buildRequest } from './request-builder.js';

/** A row that its lane found no room for comes back after this time. */
const DEFERRED_MS = 1000;

/** A delivery and how its subscription wants it. */
interface Admitted {
  delivery: LoadedDelivery;
  target: Target;
  subscriptionId: string;
  laneLimit: number;
}

/**
 * Sends what it is handed: load → admit → sign → send → judge → record.
 *
 * A row is leased in Postgres while it is held here (`leaseUntil`), and the lease is renewed for as long as that takes.
 */
@Injectable()
export class DeliveryDispatcher {
  private readonly held = new Map<string, DeliveryRef>();
  private readonly lanes: DeliveryLanes<Admitted>;
  private loading = 0;
  running = false;
  private renewal: NodeJS.Timeout | undefined;
  /** The grace is over: what ends from now on ends because we cut it, which is not the endpoint's failure. */
  private abandoned = false;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly store: DeliveryStore,
    private readonly targets: SubscriptionTargets,
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
    return this.running ? Math.max(0, this.lanes.room - this.loading) : 0;
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
      const deferred: DeliveryRef[] = [];
      for (const delivery of loaded) {
        if (!(await this.admit(delivery))) deferred.push(delivery);
      }
      if (deferred.length > 0)
        await this.store.setDueAcrossTenants(deferred, new Date(this.clock.now().getTime() + DEFERRED_MS));
    } catch (error) {
      // The lease brings them back.
      logger.error({ err: (error as Error).message, deliveries: fresh.length }, 'chunk could not be loaded');
    } finally {
      this.loading -= fresh.length;
    }
  }

  /** Sends one delivery now, past the lanes, and records it; for requests that a person waits for. */
  async deliverNow(ref: DeliveryRef, { retry }: { retry: boolean }): Promise<AttemptRecord | null> {
    const [delivery] = await this.store.loadChunkAcrossTenants([ref]);
    const target = delivery && (await this.targetOf(delivery));
    if (!delivery || !target) return null;
    const attempt = await this.attempt(delivery, retry ? target : { ...target, retrySchedule: [] });
    await this.recorder.record(attempt);
    return attempt;
  }

  /** Gives back what has not been started, then waits for what has, for so long. */
  async stop(graceMs: number): Promise<void> {
    this.running = false;
    const waiting = this.lanes.drain();
    for (const row of waiting) this.held.delete(row.delivery.id);
    await this.giveBack(waiting.map((row) => row.delivery));
    const until = performance.now() + graceMs;
    while (this.held.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
    this.abandoned = true;
    this.recorder.stop();
    clearInterval(this.renewal);
    await this.giveBack([...this.held.values()]);
  }

  private async admit(delivery: LoadedDelivery): Promise<boolean> {
    const target = await this.targetOf(delivery);
    if (!target || this.held.has(delivery.id)) return true;
    if (!this.running) return false;
    const row = { delivery, target, subscriptionId: delivery.subscriptionId, laneLimit: target.maxInFlight };
    this.held.set(delivery.id, delivery);
    if (this.lanes.offer(row)) return true;
    this.held.delete(delivery.id);
    return false;
  }

  /** The settings to send with, or null when there is nothing to send: subscription gone (cancelled) or disabled (parked). */
  private async targetOf(delivery: LoadedDelivery): Promise<Target | null> {
    const target = await this.targets.get(delivery.tenantId, delivery.subscriptionId, delivery.subscriptionVersion);
    if (!target) await this.store.cancelAcrossTenants([delivery], this.clock.now());
    else if (!target.enabled) await this.store.setDueAcrossTenants([delivery], null);
    return target?.enabled ? target : null;
  }

  private async process({ delivery, target }: Admitted): Promise<void> {
    try {
      const attempt = await this.attempt(delivery, target);
      if (!this.abandoned) await this.recorder.record(attempt);
    } catch (error) {
      // Not recorded: the lease brings the delivery back, with the same webhook-id.
      logger.error({ err: (error as Error).message, deliveryId: delivery.id }, 'attempt was not recorded');
    } finally {
      this.held.delete(delivery.id);
    }
  }

  private async attempt(delivery: LoadedDelivery, target: Target): Promise<AttemptRecord> {
    const sentAt = this.clock.now();
    const request = buildRequest(delivery, target, sentAt, this.config.version);
    const startedMs = performance.now();
    const result = await this.sender.send({ ...request, timeoutMs: target.timeoutMs });
    const durationMs = Math.round(performance.now() - startedMs);
    const outcome = judge(result, target.retrySchedule, delivery.attemptCount + 1, this.clock.now(), Math.random());
    const error: AttemptError | null = outcome.kind === 'delivered' ? null : outcome.error;
    return {
      tenantId: delivery.tenantId,
      id: delivery.id,
      subscriptionId: delivery.subscriptionId,
      number: delivery.attemptCount + 1,
      sentAt,
      durationMs,
      outcome: outcome.kind === 'givenUp' ? 'failed' : outcome.kind,
      dueAt: outcome.kind === 'retry' ? outcome.at : null,
      errorCode: error?.code ?? null,
      errorMessage: error?.message ?? null,
      requestHeaders: JSON.stringify(request.headers),
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
