import { IsIn, IsString, IsUUID, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import type { AutomationTask } from './automation-task.store.js';

const STATUSES = ['pending', 'done', 'skipped', 'failed'] as const;

export class AutomationTaskQuery extends PageQuery {
  @MayBeAbsent()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];

  /** What tasks are done in order for: `twenty:contact:<id>`, `chatwoot:contact:<id>`, `ai:conversation:<id>` … */
  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  subject?: string;

  @MayBeAbsent()
  @IsString()
  @MaxLength(100)
  kind?: string;

  /** Those that an inbound event led to. */
  @MayBeAbsent()
  @IsUUID()
  inboundEventId?: string;
}

export class AutomationTaskView {
  id: string;
  tenantId: string;
  /** `twenty.opportunity`, `chatwoot.booking-message`, `ai.answer` … */
  kind: string;
  /** What makes it one task: planned twice it is done once. */
  key: string;
  subject: string;
  payload: unknown;
  /** `skipped`: there was nothing to do any more, `errorMessage` says why. */
  status: (typeof STATUSES)[number];
  attemptCount: number;
  /** When it is tried next, or until when a worker has it; null once it has ended. */
  dueAt: Date | null;
  errorMessage: string | null;
  /** What was done, with the ids of what was made. */
  result: unknown;
  inboundEventId: string | null;
  createdAt: Date;
  finishedAt: Date | null;
}

export function presentTask(row: AutomationTask): AutomationTaskView {
  const { id, tenantId, kind, key, subject, payload, status, attemptCount, dueAt } = row;
  const { errorMessage, result, inboundEventId, createdAt, finishedAt } = row;
  return {
    id,
    tenantId,
    kind,
    key,
    subject,
    payload,
    status,
    attemptCount,
    dueAt,
    errorMessage,
    result,
    inboundEventId,
    createdAt,
    finishedAt,
  };
}
