import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { checkFilter, matches } from '../core/event-filter.js';
import { isEventPattern, minimalPatterns } from '../core/event-pattern.js';
import { isUuid, newId } from '../core/ids.js';
import { exponentialSchedule } from '../core/retry-schedule.js';
import { newSubscriptionSecret, seal, secretProblem } from '../core/secret.js';
import { urlProblem } from '../core/url-policy.js';
import { isUniqueViolation } from '../database/prisma.service.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import type {
  CreateSubscription,
  FilterCheckResult,
  RotatedSecretView,
  RotateSecret,
  SubscriptionHealthView,
  SubscriptionQuery,
  SubscriptionView,
  UpdateSubscription,
} from './subscription.dto.js';
import {
  type SealedSecret,
  type Subscription,
  type SubscriptionHealth,
  SubscriptionStore,
  type SubscriptionValues,
} from './subscription.store.js';

const DEFAULT_RETRY_DELAY_S = 60;

/** Subscriptions of a tenant. All three APIs (native, FlowKick, CRM) come through here. */
@Injectable()
export class SubscriptionService {
  constructor(
    private readonly store: SubscriptionStore,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /**
   * Creates a subscription, or updates the one with the same `externalKey`.
   * @returns the secret only when the subscription is new
   * @throws AppError invalid_request, target_not_allowed
   */
  async create(tenantId: string, input: CreateSubscription): Promise<{ view: SubscriptionView; secret?: string }> {
    const values = this.check(input);
    const secret = input.secret ?? newSubscriptionSecret();
    const existing = input.externalKey ? await this.store.findByExternalKey(tenantId, input.externalKey) : null;
    if (existing) return { view: await this.update(tenantId, existing.id, input) };
    try {
      const row = await this.store.create(tenantId, newId(), values as SubscriptionValues, this.sealed(secret));
      return { view: present(row), secret };
    } catch (error) {
      // Another request made it in between.
      if (input.externalKey && isUniqueViolation(error)) return this.create(tenantId, input);
      throw error;
    }
  }

  async get(tenantId: string, id: string): Promise<SubscriptionView> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('subscription', id);
    return present(row, (await this.store.counters(tenantId, [id])).get(id));
  }

  async list(tenantId: string, query: SubscriptionQuery): Promise<Page<SubscriptionView>> {
    const rows = await this.store.list(tenantId, query, cursorId(query), query.limit + 1);
    const counters = await this.store.counters(
      tenantId,
      rows.map((row) => row.id),
    );
    return pageOf(rows, query.limit, (row) => present(row, counters.get(row.id)));
  }

  /** Fields that are absent stay as they are. Switching on, or another URL, clears what the platform had against it. */
  async update(tenantId: string, id: string, input: UpdateSubscription): Promise<SubscriptionView> {
    const current = await this.get(tenantId, id);
    const values = this.check(input);
    if (input.enabled === true || (input.url !== undefined && input.url !== current.url)) {
      Object.assign(values, { disabledReason: null, disabledAt: null });
    }
    try {
      const row = await this.store.update(tenantId, id, values);
      if (!row) throw notFound('subscription', id);
      if ('disabledAt' in values) await this.store.forgetFailures(tenantId, id, this.clock.now());
      if (input.secret !== undefined)
        await this.store.rotateSecret(tenantId, id, this.sealed(input.secret), this.clock.now());
      if (row.enabled && !current.enabled) await this.store.resumeWaiting(tenantId, id, this.clock.now());
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new AppError('conflict', { detail: `Another subscription has the externalKey "${input.externalKey}".` });
    }
    return this.get(tenantId, id);
  }

  /** Switches it on where it is off, ends a pause or a hold, and sends what waited. */
  async resume(tenantId: string, id: string): Promise<SubscriptionView> {
    return this.update(tenantId, id, { enabled: true });
  }

  /** Tries a filter out without a subscription. */
  checkFilter(filter: unknown, data: unknown): FilterCheckResult {
    const problems = checkFilter(filter);
    const valid = problems.length === 0;
    return { valid, problems, matches: valid && data !== undefined ? matches(filter, data) : null };
  }

  async delete(tenantId: string, id: string): Promise<void> {
    if (!isUuid(id) || !(await this.store.delete(tenantId, id))) throw notFound('subscription', id);
  }

  /** During the overlap both secrets sign `webhook-signature`; `X-Webhook-Signature` is by the newest at once. */
  async rotateSecret(tenantId: string, id: string, input: RotateSecret): Promise<RotatedSecretView> {
    await this.get(tenantId, id);
    checkSecret(input.secret);
    const secret = input.secret ?? newSubscriptionSecret();
    const previousExpiresAt = new Date(this.clock.now().getTime() + input.overlapSeconds * 1000);
    await this.store.rotateSecret(tenantId, id, this.sealed(secret), previousExpiresAt);
    return { secret, previousExpiresAt };
  }

  private sealed(secret: string): SealedSecret {
    const id = newId();
    return { id, ciphertext: seal(secret, this.config.security.masterKey as Buffer, `subscription_secrets:${id}`) };
  }

  /** The given fields as columns, each checked. */
  private check(input: UpdateSubscription): Partial<SubscriptionValues> {
    const { retryAttempts, retryDelay, secret, rateLimit, filter, ...columns } = input;
    checkSecret(secret);
    if (filter) checkFilterField(filter);
    if (input.url !== undefined) {
      const problem = urlProblem(input.url, this.config.delivery.allowedTargets);
      if (problem) throw invalidField('/url', problem, 'target_not_allowed');
    }
    input.eventTypes?.forEach((pattern, i) => {
      if (isEventPattern(pattern)) return;
      throw invalidField(
        `/eventTypes/${i}`,
        `"${pattern}" is neither an event type like "contact.created" nor a pattern like "contact.*" or "*".`,
      );
    });
    if (input.retrySchedule && (retryAttempts !== undefined || retryDelay !== undefined)) {
      throw invalidField('/retrySchedule', 'Give either retrySchedule or retryAttempts with retryDelay, not both.');
    }
    if (retryDelay !== undefined && retryAttempts === undefined) {
      throw invalidField('/retryDelay', 'retryDelay needs retryAttempts.');
    }
    return {
      ...columns,
      ...(rateLimit !== undefined && { ratePerSecond: rateLimit?.perSecond ?? null }),
      ...(filter !== undefined && { filter }),
      ...(input.eventTypes && { eventTypes: minimalPatterns(input.eventTypes) }),
      ...(retryAttempts !== undefined && {
        retrySchedule: [...exponentialSchedule(retryAttempts, retryDelay ?? DEFAULT_RETRY_DELAY_S)],
      }),
    };
  }
}

function checkFilterField(filter: unknown): void {
  const problems = checkFilter(filter);
  if (problems.length === 0) return;
  throw new AppError('invalid_request', {
    detail: `The filter cannot be used: ${problems.map((p) => `${p.pointer || '/'} ${p.detail}`).join('; ')}`,
    errors: problems.map(({ pointer, detail }) => ({ pointer: `/filter${pointer}`, detail })),
  });
}

function checkSecret(secret: string | undefined): void {
  const problem = secret === undefined ? null : secretProblem(secret);
  if (problem) throw invalidField('/secret', problem);
}

function present(row: Subscription, counter?: SubscriptionHealth): SubscriptionView {
  return {
    id: row.id,
    tenantId: row.tenantId,
    name: row.name,
    description: row.description,
    url: row.url,
    eventTypes: row.eventTypes,
    enabled: row.enabled,
    disabledReason: row.disabledReason,
    disabledAt: row.disabledAt,
    signatureFormat: row.signatureFormat,
    bodyFormat: row.bodyFormat,
    retrySchedule: row.retrySchedule.length > 0 ? row.retrySchedule : null,
    timeoutMs: row.timeoutMs,
    maxInFlight: row.maxInFlight,
    rateLimit: row.ratePerSecond === null ? null : { perSecond: row.ratePerSecond },
    ordered: row.ordered,
    channels: row.channels,
    filter: row.filter as Record<string, unknown> | null,
    health: presentHealth(row, counter),
    externalKey: row.externalKey,
    successCount: Number(counter?.successCount ?? 0),
    failedCount: Number(counter?.failedCount ?? 0),
    lastDeliveryStatus: counter?.lastDeliveryStatus ?? null,
    lastDeliveryAt: counter?.lastDeliveryAt ?? null,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

function presentHealth(row: Subscription, health?: SubscriptionHealth): SubscriptionHealthView {
  const common = {
    consecutiveFailures: health?.consecutiveFailures ?? 0,
    lastSuccessAt: health?.lastSuccessAt ?? null,
  };
  const nextTryAt = health?.pausedUntil ?? null;
  if (!row.enabled)
    return { state: 'disabled', reason: row.disabledReason, since: row.disabledAt, nextTryAt: null, ...common };
  if (health?.heldSince)
    return { state: 'held', reason: health.pausedReason, since: health.heldSince, nextTryAt, ...common };
  if (nextTryAt)
    return {
      state: 'paused',
      reason: health?.pausedReason ?? null,
      since: health?.failingSince ?? null,
      nextTryAt,
      ...common,
    };
  return { state: 'well', reason: null, since: null, nextTryAt: null, ...common };
}
