import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { BackgroundJobView } from '../background-jobs/background-job.dto.js';
import { BackgroundJobService } from '../background-jobs/background-job.service.js';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { isEventTypeName } from '../core/event-pattern.js';
import { HOPS, hopsOf } from '../core/hops.js';
import { isUuid } from '../core/ids.js';
import { isTooDeep, MAX_JSON_DEPTH, payloadOf } from '../core/payload.js';
import { cursorId, type Page, pageOf, timeRange } from '../http/pagination.dto.js';
import type { Principal } from '../tenants/principal.js';
import { EventProcessor } from './event-processor.js';
import { stoppedAfter } from './event-receiver.js';
import { TENANT_KEYED } from './handlers/handler-registry.js';
import { InboundAcceptor } from './inbound-acceptor.js';
import {
  type InboundEventQuery,
  type InboundEventView,
  type InboundEventWithAttempts,
  presentInboundAttempt,
  presentInboundEvent,
  type ReprocessFilter,
} from './inbound-event.dto.js';
import { InboundEventQueue } from './inbound-event.queue.js';
import { InboundEventStore, type InboundStatus } from './inbound-event.store.js';
import { InboundLimits } from './inbound-limits.js';
import { REPROCESS_JOB, reprocessFilter, sourceFilter } from './inbound-reprocessor.js';

const KEPT_HEADERS = ['content-type', 'user-agent', 'webhook-id', 'idempotency-key', 'x-request-id', HOPS];
/** As long as answers to an Idempotency-Key are kept elsewhere. */
const KEY_KEPT_MS = 24 * 3_600_000;

/** A request with a tenant's key, as it came. */
export interface TenantKeyedRequest {
  principal: Principal;
  eventName: string;
  body: Buffer | undefined;
  headers: Record<string, string | string[] | undefined>;
  contentType: string | undefined;
  remoteAddress: string;
}

/** What is answered to it. */
export interface AcceptedInboundEvent {
  id: string;
  payload: unknown;
  status: InboundStatus;
  receivedAt: Date;
}

/** Takes in what comes with a tenant's key, shows inbound events, and has them processed again. */
@Injectable()
export class InboundEventService {
  constructor(
    private readonly store: InboundEventStore,
    private readonly acceptor: InboundAcceptor,
    private readonly limits: InboundLimits,
    private readonly queue: InboundEventQueue,
    private readonly processor: EventProcessor,
    private readonly jobs: BackgroundJobService,
    private readonly clock: Clock,
  ) {}

  /**
   * Stores what a workflow sent with the tenant's key; the same `Idempotency-Key` or `webhook-id` stores it once.
   * @throws AppError address_not_allowed, rate_limited, body_not_json, invalid_request, idempotency_key_reused
   */
  async receive({ principal, eventName, ...request }: TenantKeyedRequest): Promise<AcceptedInboundEvent> {
    const { tenantId } = principal;
    const outside = await this.limits.addressProblem(tenantId, request.remoteAddress);
    if (outside) throw new AppError('address_not_allowed', { detail: `The address ${outside}.` });
    await this.limits.consume(tenantId, `key:${principal.id}`);
    checkName(eventName);
    const { body = Buffer.alloc(0), headers } = request;
    const payload = payloadOf(body);
    if (payload.kind !== 'json') throw new AppError('body_not_json', { detail: notJson(body) });
    if (isTooDeep(body)) throw invalidField('', `The JSON is nested deeper than ${MAX_JSON_DEPTH} levels.`);
    const { value } = payload;
    const now = this.clock.now();
    const key = idempotencyKey(headers);
    const stored = await this.acceptor.accept({
      tenantId,
      source: TENANT_KEYED,
      sourceId: null,
      eventName,
      payload: payload.text,
      payloadKind: 'json',
      payloadBytes: body.length,
      method: 'POST',
      contentType: request.contentType?.slice(0, 200) ?? null,
      headers: JSON.stringify(keptHeaders(headers, request.contentType)),
      deliveryId: key,
      authenticated: true,
      secretId: null,
      dedupeKey: key === null ? null : createHash('sha256').update(`${TENANT_KEYED}\0${eventName}\0${key}`).digest(),
      dedupeUntil: key === null ? null : new Date(now.getTime() + KEY_KEPT_MS),
      ...stoppedAfter(hopsOf(headers[HOPS], value)),
    });
    if (stored.firstPayload !== undefined && stored.firstPayload !== payload.text) {
      throw new AppError('idempotency_key_reused', {
        detail: `The key "${key}" came with another body in the last 24 hours. Take a new key for a new event.`,
      });
    }
    return { id: stored.id, payload: value, status: stored.status, receivedAt: stored.receivedAt };
  }

  async get(tenantId: string, id: string): Promise<InboundEventWithAttempts> {
    const found = isUuid(id) ? await this.store.findWithAttempts(tenantId, id) : null;
    if (!found) throw notFound('inbound event', id);
    return { ...presentInboundEvent(found.event), attempts: found.attempts.map(presentInboundAttempt) };
  }

  async list(tenantId: string, query: InboundEventQuery): Promise<Page<InboundEventView>> {
    const { source, eventName, status } = query;
    const filter = { ...sourceFilter(source), eventName, status, ...timeRange(query) };
    const rows = await this.store.list(tenantId, filter, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, presentInboundEvent);
  }

  /** Processes an event again, whatever came of it. One that is under way is left alone. */
  async reprocess(tenantId: string, id: string): Promise<InboundEventWithAttempts> {
    await this.get(tenantId, id);
    const reopened = await this.store.reopen(tenantId, [id], this.processor.leaseUntil());
    this.queue.handOver(reopened.map((one) => ({ tenantId, id: one })));
    return this.get(tenantId, id);
  }

  /** Processes all that match again, in the background. */
  async reprocessAll(principal: Principal, filter: ReprocessFilter): Promise<BackgroundJobView> {
    // What came in this very millisecond is meant too; what comes while the job runs is not.
    const until = filter.until ?? new Date(this.clock.now().getTime() + 1).toISOString();
    const parameters = { ...filter, status: filter.status ?? 'failed', until };
    const total = await this.store.count(principal.tenantId, reprocessFilter(parameters));
    return this.jobs.create(principal.tenantId, { kind: REPROCESS_JOB, parameters, total, createdBy: principal.name });
  }
}

function checkName(eventName: string): void {
  if (isEventTypeName(eventName)) return;
  throw invalidField(
    '/event_name',
    `"${eventName}" is not an event name: use words of letters, digits, _ and -, separated by dots, like "lead.captured".`,
  );
}

function notJson(body: Buffer): string {
  if (body.length === 0) return 'The body is empty. Send the event as JSON.';
  if (body.includes(0)) return 'The body holds NUL bytes, so it is not JSON.';
  try {
    JSON.parse(body.toString('utf8'));
    return 'The body is not JSON in UTF-8.';
  } catch (error) {
    return `The body is not JSON: ${(error as Error).message}`;
  }
}

const KEY = /^[\x21-\x7e]{1,255}$/;

function idempotencyKey(headers: TenantKeyedRequest['headers']): string | null {
  for (const name of ['idempotency-key', 'webhook-id']) {
    const value = headers[name];
    if (value === undefined) continue;
    if (typeof value === 'string' && KEY.test(value)) return value;
    throw invalidField(`header ${name}`, 'A key has 1 to 255 printable ASCII characters and no blanks.');
  }
  return null;
}

function keptHeaders(headers: TenantKeyedRequest['headers'], contentType: string | undefined): object {
  const kept: TenantKeyedRequest['headers'] = {};
  for (const name of KEPT_HEADERS) {
    const value = name === 'content-type' ? contentType : headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
