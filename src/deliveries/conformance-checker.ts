import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import type { SendResult } from '../core/attempt-outcome.js';
import { Clock } from '../core/clock.js';
import { notFound } from '../core/errors.js';
import { newId } from '../core/ids.js';
import { EventCatalog } from '../event-types/event-catalog.js';
import { SubscriptionService } from '../subscriptions/subscription.service.js';
import { SubscriptionTargets } from '../subscriptions/subscription-targets.js';
import type { ConformanceCheck, ConformanceReport } from './conformance.dto.js';
import { assess, type CheckName, gradeOf } from './conformance-grader.js';
import { conformanceRequests } from './conformance-requests.js';
import { HttpSender } from './http-sender.js';
import type { Deliverable, DeliveryRequest } from './request-builder.js';

const DEFAULT_EVENT_TYPE = 'webhook.test';
/** Six requests one after the other: whoever asked waits for them. */
const MAX_TIMEOUT_MS = 10_000;
const WHATEVER_ITS_VERSION = Number.MAX_SAFE_INTEGER;

/**
 * Sends an endpoint genuine and forged requests, in the very form its subscription's deliveries have, and grades its answers.
 * There is no event and no delivery behind them: nothing is stored, nothing counts for or against the endpoint.
 */
@Injectable()
export class ConformanceChecker {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly subscriptions: SubscriptionService,
    private readonly targets: SubscriptionTargets,
    private readonly catalog: EventCatalog,
    private readonly sender: HttpSender,
  ) {}

  /** @throws AppError not_found (subscription or event type) */
  async check(tenantId: string, id: string, eventType = DEFAULT_EVENT_TYPE): Promise<ConformanceReport> {
    await this.subscriptions.get(tenantId, id);
    const target = await this.targets.get(tenantId, id, WHATEVER_ITS_VERSION);
    if (!target) throw notFound('subscription', id);
    const deliverable = await this.sampleDeliveries(tenantId, id, eventType);
    const checkedAt = this.clock.now();
    const checks: ConformanceCheck[] = [];
    const timeoutMs = Math.min(target.timeoutMs, MAX_TIMEOUT_MS);
    for (const [name, request] of conformanceRequests(deliverable, target, checkedAt, this.config.version)) {
      const pointless = checks[0] && !checks[0].passed;
      checks.push(pointless ? unsent(name) : await this.send(name, request, timeoutMs));
    }
    return { subscriptionId: id, url: target.url.href, checkedAt, ...gradeOf(checks), checks };
  }

  private async send(name: CheckName, request: DeliveryRequest, timeoutMs: number): Promise<ConformanceCheck> {
    const startedMs = performance.now();
    const result: SendResult = await this.sender.send({ ...request, timeoutMs });
    const statusCode = result.kind === 'response' ? result.status : null;
    return { ...assess(name, result), statusCode, durationMs: Math.round(performance.now() - startedMs) };
  }

  /** Each call is another message about the same sample, as if it had just happened. */
  private async sampleDeliveries(tenantId: string, subscriptionId: string, type: string) {
    const { data, metadata } = await this.catalog.sample(tenantId, type);
    const event = {
      id: newId(),
      type,
      data: JSON.stringify(data),
      metadata: metadata ? JSON.stringify(metadata) : null,
      occurredAt: this.clock.now(),
    };
    return (attemptCount: number): Deliverable => ({ id: newId(), subscriptionId, attemptCount, event });
  }
}

function unsent(name: CheckName): ConformanceCheck {
  return { ...assess(name, null), statusCode: null, durationMs: null };
}
