import { IsIn, IsOptional, IsString } from 'class-validator';
import { TimeRangeQuery } from '../http/pagination.dto.js';
import type { InboundEvent } from './inbound-event.store.js';

export class InboundEventQuery extends TimeRangeQuery {
  @IsOptional()
  @IsString()
  source?: string;

  @IsOptional()
  @IsString()
  eventName?: string;

  @IsOptional()
  @IsIn(['received', 'processing', 'processed', 'failed', 'ignored'])
  status?: 'received' | 'processing' | 'processed' | 'failed' | 'ignored';
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

export class InboundEventView {
  id: string;
  tenantId: string;
  source: string;
  eventName: string;
  status: string;
  /** The JSON that came. */
  payload: unknown;
  /** Without those that hold credentials. */
  headers: Record<string, unknown>;
  errorMessage: string | null;
  receivedAt: Date;
  processedAt: Date | null;
}

export function presentInboundEvent(row: InboundEvent): InboundEventView {
  const { id, tenantId, source, eventName, status, errorMessage, receivedAt, processedAt } = row;
  return {
    id,
    tenantId,
    source,
    eventName,
    status,
    payload: JSON.parse(row.payload),
    headers: JSON.parse(row.headers) as Record<string, unknown>,
    errorMessage,
    receivedAt,
    processedAt,
  };
}
