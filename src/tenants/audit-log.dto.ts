import { Type } from 'class-transformer';
import { IsDate, IsString } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';

export class AuditLogQuery extends PageQuery {
  /** Only this act, for instance `api_key.created`. */
  @MayBeAbsent()
  @IsString()
  action?: string;

  /** Only acts of this member or key: its id, e-mail or name. */
  @MayBeAbsent()
  @IsString()
  actor?: string;

  /** From this time on (ISO 8601). */
  @MayBeAbsent()
  @Type(() => Date)
  @IsDate({ message: 'since must be a time in ISO 8601, such as 2026-01-31T12:00:00Z' })
  since?: Date;

  /** Before this time (ISO 8601). */
  @MayBeAbsent()
  @Type(() => Date)
  @IsDate({ message: 'until must be a time in ISO 8601, such as 2026-01-31T12:00:00Z' })
  until?: Date;
}

export class AuditActor {
  kind: 'member' | 'api-key' | 'platform';
  id: string;
  name: string;
}

export class AuditTarget {
  kind: string;
  id: string | null;
}

export class AuditEntryView {
  id: string;
  actor: AuditActor;
  action: string;
  target: AuditTarget;
  details: Record<string, unknown>;
  ip: string | null;
  requestId: string | null;
  createdAt: Date;
}
