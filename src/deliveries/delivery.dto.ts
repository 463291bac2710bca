import { IsIn, IsString, IsUUID } from 'class-validator';
import { followingHeaders, USUAL_HEADERS } from '../core/delivery-request.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { TimeRangeQuery } from '../http/pagination.dto.js';
import type { Attempt, Delivery } from './delivery.store.js';

export class DeliveryQuery extends TimeRangeQuery {
  @MayBeAbsent()
  @IsUUID()
  subscriptionId?: string;

  @MayBeAbsent()
  @IsUUID()
  eventId?: string;

  @MayBeAbsent()
  @IsString()
  eventType?: string;

  @MayBeAbsent()
  @IsIn(['pending', 'succeeded', 'failed', 'cancelled'])
  status?: 'pending' | 'succeeded' | 'failed' | 'cancelled';
}

/** A delivery as the native API shows it. */
export class DeliveryView {
  id: string;
  tenantId: string;
  eventId: string;
  eventType: string;
  subscriptionId: string;
  status: 'pending' | 'succeeded' | 'failed' | 'cancelled';
  attemptCount: number;
  /** When the next attempt is due; null when none is to come, while it waits for its turn, or while the subscription is disabled. */
  nextAttemptAt: Date | null;
  createdAt: Date;
  completedAt: Date | null;
}

export class AttemptError {
  /** Stable: `http_500`, `timeout_headers`, `dns`, `connection_refused`, `blocked_address` … */
  code: string;
  /** The same in plain words. */
  message: string;
}

export class AttemptRequest {
  headers: Record<string, string>;
}

export class AttemptResponse {
  headers: Record<string, unknown>;
  /** Its first 16 KiB. */
  body: string;
}

/** One HTTP request of a delivery. */
export class AttemptView {
  id: string;
  number: number;
  sentAt: Date;
  durationMs: number;
  /** `delivered`, `retry` (failed, another one follows) or `failed`. */
  outcome: string;
  statusCode: number | null;
  error: AttemptError | null;
  request: AttemptRequest;
  /** Null when no answer came. */
  response: AttemptResponse | null;
}

export class DeliveryWithAttempts extends DeliveryView {
  attempts: AttemptView[];
}

export function presentDelivery(delivery: Delivery, eventType: string): DeliveryView {
  const { id, tenantId, eventId, subscriptionId, status, attemptCount, createdAt, completedAt, dueAt } = delivery;
  const nextAttemptAt = status === 'pending' ? dueAt : null;
  return {
    id,
    tenantId,
    eventId,
    eventType,
    subscriptionId,
    status,
    attemptCount,
    nextAttemptAt,
    createdAt,
    completedAt,
  };
}

export function presentAttempt(attempt: Attempt, eventType: string): AttemptView {
  const { id, deliveryId, number, sentAt, durationMs, outcome, statusCode, errorCode, errorMessage } = attempt;
  const headers = (json: string | null) => JSON.parse(json ?? '{}') as Record<string, string>;
  return {
    id,
    number,
    sentAt,
    durationMs,
    outcome,
    statusCode,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? '' },
    request: {
      headers: {
        ...USUAL_HEADERS,
        ...followingHeaders(deliveryId, eventType, number, sentAt),
        ...headers(attempt.requestHeaders),
      },
    },
    response:
      statusCode === null ? null : { headers: headers(attempt.responseHeaders), body: attempt.responseBody ?? '' },
  };
}
