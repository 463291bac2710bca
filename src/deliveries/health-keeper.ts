import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { afterAttempt, type EndpointHealth, type HealthChange } from '../core/endpoint-health.js';
import { logger } from '../observability/logger.js';
import type { AttemptRecord } from './delivery.store.js';
import { MetaEvents } from './meta-events.js';
import { SubscriptionHealthStore } from './subscription-health.store.js';

/** Draws the consequences of recorded attempts for their endpoints: pauses, holds, resumes, switches off, and tells the tenant. */
@Injectable()
export class HealthKeeper {
  constructor(
    private readonly store: SubscriptionHealthStore,
    private readonly meta: MetaEvents,
    private readonly clock: Clock,
  ) {}

  /** After the attempts are committed. Healthy endpoints cost nothing here: their totals were written with the attempts. */
  async observe(records: readonly AttemptRecord[]): Promise<void> {
    const bySubscription = new Map<string, AttemptRecord[]>();
    for (const record of records) {
      if (record.verdict.kind === 'unchanged' || (record.verdict.kind === 'well' && !record.probe)) continue;
      bySubscription.set(record.subscriptionId, [...(bySubscription.get(record.subscriptionId) ?? []), record]);
    }
    for (const attempts of bySubscription.values()) {
      await this.observeEndpoint(attempts).catch((error: Error) => {
        logger.error(
          { subscriptionId: attempts[0]?.subscriptionId, err: error.message },
          'endpoint health could not be kept',
        );
      });
    }
    for (const record of records) {
      if (record.outcome === 'failed' && !this.meta.isMeta(record.eventType)) await this.tellExhausted(record);
    }
  }

  private async observeEndpoint(attempts: AttemptRecord[]): Promise<void> {
    const { tenantId, subscriptionId } = attempts[0] as AttemptRecord;
    const now = this.clock.now();
    const changes: HealthChange[] = [];
    await this.store.change(tenantId, subscriptionId, (current) => {
      let health: EndpointHealth = current;
      for (const { verdict, probe } of attempts) {
        const after = afterAttempt(health, verdict, now, probe);
        health = after.health;
        if (after.change) changes.push(after.change);
      }
      return health;
    });
    for (const change of changes) await this.tell(attempts.at(-1) as AttemptRecord, change, now);
  }

  private async tell(last: AttemptRecord, change: HealthChange, now: Date): Promise<void> {
    const { tenantId, subscriptionId } = last;
    if (change.kind === 'disabled' && !(await this.store.disable(tenantId, subscriptionId, change.reason, now))) return;
    logger.warn({ tenantId, subscriptionId, ...change }, `subscription ${change.kind}`);
    const subscription = await this.store.findSubscription(tenantId, subscriptionId);
    if (!subscription) return;
    const about = { subscriptionId, name: subscription.name || null, url: subscription.url };
    const answer = { httpStatus: last.statusCode, lastError: last.errorMessage };
    const time = now.toISOString();
    switch (change.kind) {
      case 'disabled':
        return this.meta.tell(tenantId, 'subscription.disabled', {
          ...about,
          reason: change.reason,
          disabledAt: time,
          ...answer,
        });
      case 'held':
        return this.meta.tell(tenantId, 'subscription.held', {
          ...about,
          reason: change.reason,
          heldAt: time,
          ...answer,
        });
      case 'resumed':
        return this.meta.tell(tenantId, 'subscription.resumed', {
          ...about,
          reason: 'A probe was answered with success.',
          resumedAt: time,
        });
    }
  }

  private async tellExhausted(record: AttemptRecord): Promise<void> {
    const { tenantId, id, eventId, eventType, subscriptionId, number, statusCode, errorMessage } = record;
    const subscription = await this.store.findSubscription(tenantId, subscriptionId);
    if (!subscription) return;
    await this.meta.tell(tenantId, 'delivery.exhausted', {
      deliveryId: id,
      eventId,
      eventType,
      subscriptionId,
      url: subscription.url,
      attempts: number,
      httpStatus: statusCode,
      lastError: errorMessage,
      exhaustedAt: this.clock.now().toISOString(),
    });
  }
}
