import { IsISO8601, IsObject, IsOptional, IsString, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { TimeRangeQuery } from '../http/pagination.dto.js';
import { DeliveryView } from './delivery.dto.js';

/** "This happened": one event to publish. */
export class PublishEvent {
  /** `contact.created`: words of letters, digits, `_` and `-`, separated by dots. */
  @IsString()
  type: string;

  /** Any JSON object: what happened. Types with a schema check it. */
  @IsObject()
  data: Record<string, unknown>;

  /** When it happened. Default: now. */
  @MayBeAbsent()
  @IsISO8601({ strict: true, strictSeparator: true })
  occurredAt?: string;

  /** Only subscriptions of this channel, and those without channels, get it. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(128)
  channel?: string;

  /** Ordered subscriptions keep the order of events with the same key. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(256)
  orderingKey?: string;

  /** Travels beside the data in the envelope. */
  @IsOptional()
  @IsObject()
  metadata?: Record<string, unknown>;
}

export class AcceptedEvent {
  id: string;
  type: string;
  createdAt: Date;
  /** How many subscriptions it is due to. */
  deliveries: number;
}

/** One entry of a batch's answer: the accepted event, or why it was refused. */
export class BatchEntry {
  id?: string;
  type?: string;
  createdAt?: Date;
  deliveries?: number;
  error?: { code: string; detail: string; errors?: { pointer: string; detail: string }[] };
}

export class BatchAnswer {
  /** In the order of the request. */
  data: BatchEntry[];
  accepted: number;
  rejected: number;
}

export class EventQuery extends TimeRangeQuery {
  /** Only this type. */
  @MayBeAbsent()
  @IsString()
  type?: string;
}

export class EventView {
  id: string;
  tenantId: string;
  type: string;
  data: Record<string, unknown>;
  metadata: Record<string, unknown> | null;
  channel: string | null;
  orderingKey: string | null;
  occurredAt: Date;
  createdAt: Date;
}

export class EventWithDeliveries extends EventView {
  deliveries: DeliveryView[];
}
