import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { checkFilter, matches } from '../core/event-filter.js';
import { isEventPattern, minimalPatterns } from '../core/event-pattern.js';
import { isUuid, newId } from '../core/ids.js';
import { pointerProblem } from '../core/projection.js';
import { exponentialSchedule } from '../core/retry-schedule.js';
import { newSubscriptionSecret, seal, secretProblem } from '../core/secret.js';
import { urlProblem } from '../core/url-policy.js';
import { urlWarnings } from '../core/url-warnings.js';
import { isUniqueViolation } from '../database/prisma.service.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { AccessSealer } from './access-sealer.js';
import { SigningKeyService } from './signing-key.service.js';
import type {
  CreateSubscription,
  FilterCheckResult,
  RenewSubscription,
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
    private readonly access: AccessSealer,
    private readonly signingKeys: SigningKeyService,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /**
   * Creates a subscription, or updates the one with the same `externalKey`.
   * @returns the secret only when the subscription is new
   * @throws AppError invalid_request, target_not_allowed
   */
  async create(tenantId: string, input: CreateSubscription): Promise<{ view: SubscriptionView; secret?: string }> {
    const checked = this.check(input);
    const existing = input.externalKey ? await this.findLiving(tenantId, input.externalKey) : null;
    if (existing) return { view: await this.update(tenantId, existing.id, input) };
    const id = newId();
    const { columns, madeSecret } = this.access.change(id, input, null);
    const values = { ...checked, ...columns } as SubscriptionValues;
    const secret = input.secret ?? newSubscriptionSecret();
    if (values.asymmetric) await this.signingKeys.privateKey(tenantId);
    try {
      const row = await this.store.create(tenantId, id, values, this.sealed(secret));
      return { view: withSecret(this.present(row), madeSecret), secret };
    } catch (error) {
      // Another request made it in between.
      if (input.externalKey && isUniqueViolation(error)) return this.create(tenantId, input);
      throw error;
    }
  }

  async get(tenantId: string, id: string): Promise<SubscriptionView> {
    const row = await this.row(tenantId, id);
    return this.present(row, (await this.store.counters(tenantId, [id])).get(id));
  }

  async list(tenantId: string, query: SubscriptionQuery): Promise<Page<SubscriptionView>> {
    const rows = await this.store.list(tenantId, query, cursorId(query), query.limit + 1);
    const counters = await this.store.counters(
      tenantId,
      rows.map((row) => row.id),
    );
    return pageOf(rows, query.limit, (row) => this.present(row, counters.get(row.id)));
  }

  /**
   * Fields that are absent stay as they are. Switching on, or another URL, clears what the platform had against it.
   * @throws AppError not_found, invalid_request, target_not_allowed, conflict (externalKey)
   */
  async update(tenantId: string, id: string, input: UpdateSubscription): Promise<SubscriptionView> {
    const current = await this.row(tenantId, id);
    const checked = this.check(input);
    const newServer = input.url !== undefined && new URL(input.url).origin !== new URL(current.url).origin;
    const { columns, madeSecret } = this.access.change(id, input, current, newServer);
    const values = { ...checked, ...columns };
    if (values.asymmetric) await this.signingKeys.privateKey(tenantId);
    if (input.enabled === true || (input.url !== undefined && input.url !== current.url)) {
      Object.assign(values, { disabledReason: null, disabledAt: null });
    }
    try {
      const row = await this.store.update(tenantId, id, values);
      if (!row) throw notFound('subscription', id);
      if ('disabledAt' in values) await this.store.forgetFailures(tenantId, id, this.clock.now());
      if (input.secret !== undefined)
        await this.store.rotateSecret(tenantId, id, this.sealed(input.secret), this.clock.now());
      if (this.isSentTo(row) && !this.isSentTo(current)) await this.store.resumeWaiting(tenantId, id, this.clock.now());
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new AppError('conflict', { detail: `Another subscription has the externalKey "${input.externalKey}".` });
    }
    return withSecret(await this.get(tenantId, id), madeSecret);
  }

  /** @throws AppError not_found, invalid_request */
  async renew(tenantId: string, id: string, { expiresAt, forSeconds }: RenewSubscription): Promise<SubscriptionView> {
    if ([expiresAt, forSeconds].filter((way) => way !== undefined && way !== null).length !== 1) {
      throw invalidField('/expiresAt', 'Give either expiresAt (a time) or forSeconds (from now on).');
    }
    const end = expiresAt ?? new Date(this.clock.now().getTime() + (forSeconds as number) * 1000).toISOString();
    return this.update(tenantId, id, { expiresAt: end });
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

  private async row(tenantId: string, id: string): Promise<Subscription> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('subscription', id);
    return row;
  }

  /** One that has expired is as good as gone: its key is free for a new one, with a new secret. */
  private async findLiving(tenantId: string, externalKey: string): Promise<Subscription | null> {
    const row = await this.store.findByExternalKey(tenantId, externalKey);
    const gone = row && (await this.store.deleteExpired(tenantId, row.id, this.clock.now()));
    return gone ? null : row;
  }

  private isSentTo(row: Subscription): boolean {
    return row.enabled && (row.expiresAt === null || row.expiresAt > this.clock.now());
  }

  private sealed(secret: string): SealedSecret {
    const id = newId();
    return { id, ciphertext: seal(secret, this.config.security.masterKey as Buffer, `subscription_secrets:${id}`) };
  }

  /** The given fields as columns, each checked. */
  private check(input: UpdateSubscription): Partial<SubscriptionValues> {
    const {
      retryAttempts,
      retryDelay,
      secret,
      rateLimit,
      filter,
      headers,
      auth,
      fields,
      asymmetric,
      expiresAt,
      ...columns
    } = input;
    refuseNulls(input);
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
    fields?.forEach((pointer, i) => {
      const problem = pointerProblem(pointer);
      if (problem) throw invalidField(`/fields/${i}`, problem);
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
      ...(fields !== undefined && { fields: fields ?? [] }),
      ...(asymmetric !== undefined && { asymmetric: asymmetric ?? false }),
      ...(expiresAt !== undefined && { expiresAt: expiresAt === null ? null : this.end(expiresAt) }),
      ...(input.eventTypes && { eventTypes: minimalPatterns(input.eventTypes) }),
      ...(retryAttempts !== undefined && {
        retrySchedule: [...exponentialSchedule(retryAttempts, retryDelay ?? DEFAULT_RETRY_DELAY_S)],
      }),
    };
  }

  private end(expiresAt: string): Date {
    const end = new Date(expiresAt);
    if (end > this.clock.now()) return end;
    throw invalidField('/expiresAt', `${expiresAt} is not in the future. To end a subscription now, delete it.`);
  }

  private present(row: Subscription, counter?: SubscriptionHealth): SubscriptionView {
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
      fields: row.fields,
      ...this.access.present(row),
      asymmetric: row.asymmetric,
      expiresAt: row.expiresAt,
      warnings: urlWarnings(row.url),
      successCount: Number(counter?.successCount ?? 0),
      failedCount: Number(counter?.failedCount ?? 0),
      lastDeliveryStatus: counter?.lastDeliveryStatus ?? null,
      lastDeliveryAt: counter?.lastDeliveryAt ?? null,
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
    };
  }
}

/** Fields that null resets; null for any other would say nothing. */
const NULLABLE = new Set(['rateLimit', 'filter', 'headers', 'auth', 'fields', 'asymmetric', 'expiresAt']);

function refuseNulls(input: UpdateSubscription): void {
  const name = Object.entries(input).find(([field, value]) => value === null && !NULLABLE.has(field))?.[0];
  if (name) throw invalidField(`/${name}`, `${name} cannot be null: leave it out to keep it as it is.`);
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

/** A secret that was made just now is shown with the answer, once. */
function withSecret(view: SubscriptionView, madeSecret: string | undefined): SubscriptionView {
  return madeSecret === undefined || !view.auth ? view : { ...view, auth: { ...view.auth, secret: madeSecret } };
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
