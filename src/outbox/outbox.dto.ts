import { IsIn } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';

const STATUSES = ['pending', 'refused'] as const;

export class OutboxQuery extends PageQuery {
  /** `pending`: not yet an event. `refused`: it cannot become one, see `error`. Default: both. */
  @MayBeAbsent()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];
}

export class OutboxEntryView {
  /** What `posthaste_emit` gave. */
  id: string;
  tenantId: string;
  status: (typeof STATUSES)[number];
  type: string;
  /** As it was emitted; mostly an object. */
  data: unknown;
  metadata: unknown;
  channel: string | null;
  orderingKey: string | null;
  occurredAt: Date;
  createdAt: Date;
  refusedAt: Date | null;
  /** One of the codes in the list of errors. */
  errorCode: string | null;
  /** Why it was refused, in words. */
  error: string | null;
}
