import { IsIn, IsISO8601, IsString, MaxLength } from 'class-validator';
import type { PayloadKind } from '../core/payload.js';
import { redactBody } from '../core/provider-signatures/redact.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { TimeRangeQuery } from '../http/pagination.dto.js';
import type { InboundAttempt, InboundEvent } from './inbound-event.store.js';

const STATUSES = ['received', 'processing', 'processed', 'failed', 'ignored'] as const;
type Status = (typeof STATUSES)[number];

export class InboundEventQuery extends TimeRangeQuery {
  /** Id of a source, a provider, or `api` for what came with the tenant's key. */
  @MayBeAbsent()
  @IsString()
  source?: string;

  @MayBeAbsent()
  @IsString()
  eventName?: string;

  @MayBeAbsent()
  @IsIn(STATUSES)
  status?: Status;
}

/** Which events to process again: those that fit all that is given. */
export class ReprocessFilter {
  /** Id of a source, a provider, or `api`. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(100)
  source?: string;

  @MayBeAbsent()
  @IsString()
  @MaxLength(128)
  eventName?: string;

  /** Default: failed. */
  @MayBeAbsent()
  @IsIn(['processed', 'failed', 'ignored'])
  status?: 'processed' | 'failed' | 'ignored';

  /** From this time on, ISO 8601. */
  @MayBeAbsent()
  @IsISO8601()
  since?: string;

  /** Before this time, ISO 8601. Default: now. */
  @MayBeAbsent()
  @IsISO8601()
  until?: string;
}

/** What the CRM guide shows as the answer to an accepted event. */
export class ReceivedEvent {
  id: string;
  tenant_id: string;
  event_name: string;
  payload: unknown;
  status: string;
  received_at: Date;
}

export class InboundAttemptView {
  id: string;
  /** Counted anew when an event is processed again. */
  number: number;
  startedAt: Date;
  durationMs: number;
  /** `processed`, `ignored`, `retry` (failed, another one follows) or `failed`. */
  outcome: string;
  errorMessage: string | null;
}

export class InboundEventView {
  id: string;
  tenantId: string;
  /** The provider, or `api`. */
  source: string;
  sourceId: string | null;
  eventName: string;
  status: Status;
  /** The JSON that came, or text, or base64: see `payloadKind`. Null in lists where it is longer than 16 KiB. */
  payload: unknown;
  payloadKind: PayloadKind;
  payloadBytes: number;
  method: string;
  contentType: string | null;
  /** Without those that hold credentials. */
  headers: Record<string, unknown>;
  /** The sender's own id of this delivery. */
  deliveryId: string | null;
  /** Whether a signature, token or key was checked. */
  authenticated: boolean;
  /** The secret of the source that it was signed with. */
  secretId: string | null;
  /** How often it has been through here and a workflow before. */
  hops: number;
  attemptCount: number;
  /** When it is tried again; null when it is not. */
  nextAttemptAt: Date | null;
  /** Why it failed, or why nothing was done for it. */
  errorMessage: string | null;
  /** What processing did. */
  result: Record<string, unknown> | null;
  receivedAt: Date;
  processedAt: Date | null;
}

export class InboundEventWithAttempts extends InboundEventView {
  /** Oldest first. */
  attempts: InboundAttemptView[];
}

export function presentInboundEvent(row: InboundEvent): InboundEventView {
  const { id, tenantId, source, sourceId, eventName, status, payloadBytes, method, contentType, deliveryId } = row;
  const payloadKind = row.payloadKind as PayloadKind;
  const json = payloadKind === 'json' && row.payload !== '';
  const text = row.payload === '' && payloadBytes > 0 ? null : row.payload;
  return {
    id,
    tenantId,
    source,
    sourceId,
    eventName,
    status,
    payload: json ? redactBody(source, JSON.parse(row.payload)) : text,
    payloadKind,
    payloadBytes,
    method,
    contentType,
    headers: JSON.parse(row.headers) as Record<string, unknown>,
    deliveryId,
    authenticated: row.authenticated,
    secretId: row.secretId,
    hops: row.hops,
    attemptCount: row.attemptCount,
    nextAttemptAt: status === 'received' && row.attemptCount > 0 ? row.dueAt : null,
    errorMessage: row.errorMessage,
    result: row.result === null ? null : (JSON.parse(row.result) as Record<string, unknown>),
    receivedAt: row.receivedAt,
    processedAt: row.processedAt,
  };
}

export function presentInboundAttempt(row: InboundAttempt): InboundAttemptView {
  const { id, number, startedAt, durationMs, outcome, errorMessage } = row;
  return { id, number, startedAt, durationMs, outcome, errorMessage };
}
