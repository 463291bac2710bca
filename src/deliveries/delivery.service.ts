import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { AppError, notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { EventCatalog } from '../event-types/event-catalog.js';
import { cursorId, type Page, pageOf, timeRange } from '../http/pagination.dto.js';
import type { SubscriptionView } from '../subscriptions/subscription.dto.js';
import { SubscriptionService } from '../subscriptions/subscription.service.js';
import {
  type DeliveryQuery,
  type DeliveryView,
  type DeliveryWithAttempts,
  presentAttempt,
  presentDelivery,
} from './delivery.dto.js';
import { DeliveryQueue } from './delivery.queue.js';
import { type DeliveryRef, DeliveryStore } from './delivery.store.js';
import { DeliveryDispatcher } from './delivery-dispatcher.js';
import { EventStore } from './event.store.js';

const TEST_EVENT_TYPE = 'webhook.test';

/** Shows deliveries and does what a person asks for them. */
@Injectable()
export class DeliveryService {
  constructor(
    private readonly store: DeliveryStore,
    private readonly events: EventStore,
    private readonly queue: DeliveryQueue,
    private readonly dispatcher: DeliveryDispatcher,
    private readonly catalog: EventCatalog,
    private readonly subscriptions: SubscriptionService,
    private readonly clock: Clock,
  ) {}

  async list(tenantId: string, query: DeliveryQuery): Promise<Page<DeliveryView>> {
    const { subscriptionId, eventId, eventType, status, limit } = query;
    const filter = { subscriptionId, eventId, eventType, status, ...timeRange(query) };
    const rows = await this.store.list(tenantId, filter, cursorId(query), limit + 1);
    const types = await this.store.eventTypes(
      tenantId,
      rows.map((row) => row.eventId),
    );
    return pageOf(rows, limit, (row) => presentDelivery(row, types.get(row.eventId) ?? ''));
  }

  /** The newest deliveries of a subscription, each with all its attempts. */
  async latest(tenantId: string, subscriptionId: string, take: number): Promise<DeliveryWithAttempts[]> {
    const rows = await this.store.list(tenantId, { subscriptionId }, undefined, take);
    const types = await this.store.eventTypes(
      tenantId,
      rows.map((row) => row.eventId),
    );
    const attempts = await this.store.listAttempts(
      tenantId,
      rows.map((row) => row.id),
    );
    return rows.map((row) => {
      const type = types.get(row.eventId) ?? '';
      const own = attempts.filter((attempt) => attempt.deliveryId === row.id);
      return { ...presentDelivery(row, type), attempts: own.map((attempt) => presentAttempt(attempt, type)) };
    });
  }

  /** With its attempts, oldest first. */
  async get(tenantId: string, id: string): Promise<DeliveryWithAttempts> {
    const found = isUuid(id) ? await this.store.findWithAttempts(tenantId, id) : null;
    if (!found) throw notFound('delivery', id);
    const type = (await this.events.find(tenantId, found.delivery.eventId))?.type ?? '';
    return {
      ...presentDelivery(found.delivery, type),
      attempts: found.attempts.map((attempt) => presentAttempt(attempt, type)),
    };
  }

  /** Sends a delivery once more, now, with the same message id. After a failure the rest of its schedule still counts. */
  async retry(tenantId: string, id: string): Promise<DeliveryView> {
    const delivery = await this.get(tenantId, id);
    if (delivery.status === 'cancelled') {
      throw new AppError('delivery_not_retryable', {
        detail: `The delivery "${id}" was cancelled and stays so. Replay its event instead.`,
      });
    }
    const subscription = await this.subscriptions.get(tenantId, delivery.subscriptionId).catch(() => null);
    const obstacle = subscription ? this.obstacle(subscription) : 'no longer exists';
    if (obstacle) throw new AppError('delivery_not_retryable', { detail: `The delivery's subscription ${obstacle}.` });
    await this.store.reopen(tenantId, id, this.dispatcher.leaseUntil());
    this.queue.handOver([{ tenantId, id }]);
    const { attempts: _attempts, ...view } = await this.get(tenantId, id);
    return view;
  }

  /** Sends a sample to a subscription and waits for the answer. One attempt, never retried, kept like any other. */
  async test(tenantId: string, subscriptionId: string, eventType = TEST_EVENT_TYPE): Promise<DeliveryWithAttempts> {
    const subscription = await this.subscriptions.get(tenantId, subscriptionId);
    const obstacle = this.obstacle(subscription);
    if (obstacle) throw new AppError('delivery_not_retryable', { detail: `The subscription ${obstacle}.` });
    const sample = await this.catalog.sample(tenantId, eventType);
    const now = this.clock.now();
    const event = {
      tenantId,
      type: eventType,
      data: JSON.stringify(sample.data),
      metadata: sample.metadata ? JSON.stringify(sample.metadata) : null,
      channel: null,
      orderingKey: null,
      occurredAt: now,
    };
    const leaseUntil = this.dispatcher.leaseUntil();
    const { deliveries } = await this.events.publishTo(subscriptionId, event, now, leaseUntil, 'test');
    const delivery = deliveries[0] as DeliveryRef;
    await this.dispatcher.deliverNow(delivery);
    return this.get(tenantId, delivery.id);
  }

  /** Why nothing is sent to a subscription, in words, or null. */
  private obstacle({ enabled, expiresAt }: SubscriptionView): string | null {
    if (!enabled) return 'is disabled: enable it first';
    return expiresAt !== null && expiresAt <= this.clock.now() ? 'has expired: renew it first' : null;
  }
}
