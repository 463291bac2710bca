import { Injectable } from '@nestjs/common';
import type { BackgroundJobView } from '../background-jobs/background-job.dto.js';
import { BackgroundJobService } from '../background-jobs/background-job.service.js';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { matches } from '../core/event-filter.js';
import { isUuid } from '../core/ids.js';
import { SubscriptionService } from '../subscriptions/subscription.service.js';
import { BulkRetrier, type RetryParameters, retryScope } from './bulk-retrier.js';
import type { DeliveryView } from './delivery.dto.js';
import { DeliveryQueue } from './delivery.queue.js';
import { DeliveryService } from './delivery.service.js';
import { DeliveryDispatcher } from './delivery-dispatcher.js';
import { EventStore } from './event.store.js';
import type { RecoverSubscription, ReplayAnswer, RetryFilter } from './recovery.dto.js';
import { RecoveryStore } from './recovery.store.js';
import { type RecoverParameters, SubscriptionRecoverer } from './subscription-recoverer.js';

/** Sends again, or not at all, what a person says. Everything here may be asked for twice without anything being sent twice. */
@Injectable()
export class RecoveryService {
  constructor(
    private readonly store: RecoveryStore,
    private readonly events: EventStore,
    private readonly deliveries: DeliveryService,
    private readonly subscriptions: SubscriptionService,
    private readonly jobs: BackgroundJobService,
    private readonly recoverer: SubscriptionRecoverer,
    private readonly retrier: BulkRetrier,
    private readonly queue: DeliveryQueue,
    private readonly dispatcher: DeliveryDispatcher,
    private readonly clock: Clock,
  ) {}

  /**
   * Stops a pending delivery; one that is cancelled already stays so. A request that is under way may still arrive.
   * @throws AppError not_found, delivery_not_cancellable
   */
  async cancel(tenantId: string, id: string): Promise<DeliveryView> {
    await this.deliveries.get(tenantId, id);
    await this.store.cancel(tenantId, id, this.clock.now());
    const { attempts: _attempts, ...view } = await this.deliveries.get(tenantId, id);
    if (view.status === 'cancelled') return view;
    throw new AppError('delivery_not_cancellable', {
      detail: `The delivery "${id}" has ${view.status} already: only a pending one can be cancelled.`,
    });
  }

  /**
   * Makes an event due once more: to the subscriptions that match now, or to chosen ones. A delivery that exists is reopened
   * and keeps its webhook-id; one that is pending is left to its schedule.
   * @throws AppError not_found, invalid_request (unknown subscription), delivery_not_retryable (disabled or expired subscription)
   */
  async replay(tenantId: string, eventId: string, subscriptionIds?: string[]): Promise<ReplayAnswer> {
    const event = isUuid(eventId) ? await this.events.find(tenantId, eventId) : null;
    if (!event) throw notFound('event', eventId);
    const receivers = subscriptionIds
      ? await this.chosen(tenantId, subscriptionIds)
      : await this.matching(tenantId, event);
    const pairs = receivers.map((subscriptionId) => ({ eventId, subscriptionId, create: true }));
    const done = ['failed', 'cancelled', 'succeeded'] as const;
    const leaseUntil = this.dispatcher.leaseUntil();
    const rows = await this.store.reopenOrCreate(tenantId, pairs, done, leaseUntil, this.clock.now());
    this.queue.handOver(rows.filter((row) => row.action !== 'pending').map(({ id }) => ({ tenantId, id })));
    const deliveries = rows.map(({ id, subscriptionId, action }) => ({ subscriptionId, deliveryId: id, action }));
    return { eventId, deliveries: deliveries.sort((a, b) => (a.subscriptionId < b.subscriptionId ? -1 : 1)) };
  }

  /** @throws AppError not_found, invalid_request, delivery_not_retryable (disabled or expired subscription) */
  async recover(
    tenantId: string,
    subscriptionId: string,
    input: RecoverSubscription,
    createdBy: string,
  ): Promise<BackgroundJobView> {
    const subscription = await this.subscriptions.get(tenantId, subscriptionId);
    const [found] = await this.store.listSubscriptions(tenantId, [subscription.id], this.clock.now());
    if (!found?.active) throw inactive(subscriptionId);
    const { since, until = this.justAfterNow(), statuses } = input;
    checkRange('', since, until);
    const parameters: RecoverParameters = { subscriptionId, since: iso(since), until: iso(until), statuses };
    const total = await this.store.countEvents(tenantId, { since: new Date(since), until: new Date(until) });
    return this.jobs.create(tenantId, { kind: this.recoverer.kind, parameters, total, createdBy });
  }

  /** @throws AppError invalid_request, not_found (subscription or event of the filter) */
  async retryAll(tenantId: string, filter: RetryFilter, createdBy: string): Promise<BackgroundJobView> {
    const { until = this.justAfterNow(), since, ...equal } = filter;
    if (since !== undefined) checkRange('/filter', since, until);
    if (filter.subscriptionId !== undefined) await this.subscriptions.get(tenantId, filter.subscriptionId);
    const parameters: RetryParameters = { ...equal, ...(since && { since: iso(since) }), until: iso(until) };
    const total = await this.store.countRetryable(tenantId, retryScope(parameters));
    return this.jobs.create(tenantId, { kind: this.retrier.kind, parameters, total, createdBy });
  }

  private async chosen(tenantId: string, ids: string[]): Promise<string[]> {
    const found = new Map(
      (await this.store.listSubscriptions(tenantId, ids, this.clock.now())).map((row) => [row.id, row]),
    );
    for (const [i, id] of ids.entries()) {
      const subscription = found.get(id.toLowerCase());
      const pointer = `/subscriptionIds/${i}`;
      if (!subscription) throw invalidField(pointer, `There is no subscription with the id "${id}" in this tenant.`);
      if (!subscription.active) throw inactive(id, pointer);
    }
    return [...found.keys()];
  }

  /** An event that went to one subscription alone goes to that one again, and to no other. */
  private async matching(
    tenantId: string,
    event: NonNullable<Awaited<ReturnType<EventStore['find']>>>,
  ): Promise<string[]> {
    if (event.audience !== null) {
      const earlier = await this.events.listDeliveries(tenantId, event.id);
      const ids = earlier.map((delivery) => delivery.subscriptionId);
      const found = await this.store.listSubscriptions(tenantId, ids, this.clock.now());
      return found.filter((row) => row.active).map((row) => row.id);
    }
    const data: unknown = JSON.parse(event.data);
    const candidates = await this.store.listMatching(tenantId, event, this.clock.now());
    return candidates.filter(({ filter }) => filter === null || matches(filter, data)).map(({ id }) => id);
  }

  /** What was accepted in this very millisecond counts too. */
  private justAfterNow(): string {
    return new Date(this.clock.now().getTime() + 1).toISOString();
  }
}

const iso = (time: string) => new Date(time).toISOString();

function checkRange(parent: string, since: string, until: string): void {
  if (Date.parse(since) < Date.parse(until)) return;
  throw invalidField(`${parent}/since`, `since (${since}) must be before until (${until}).`);
}

function inactive(id: string, pointer?: string): AppError {
  const detail = `The subscription "${id}" is disabled or has expired: enable or renew it first.`;
  return new AppError('delivery_not_retryable', { detail, ...(pointer && { errors: [{ pointer, detail }] }) });
}
