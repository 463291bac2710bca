import { IsIn, IsString } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import type { BackgroundJob } from './background-job.store.js';

const STATUSES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;

export class BackgroundJobQuery extends PageQuery {
  @MayBeAbsent()
  @IsString()
  kind?: string;

  @MayBeAbsent()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];
}

export class BackgroundJobView {
  id: string;
  tenantId: string;
  /** `inbound-events.reprocess` … */
  kind: string;
  status: (typeof STATUSES)[number];
  parameters: unknown;
  /** Rows there were to look at when it was asked for; null when that was not counted. */
  total: number | null;
  /** Rows dealt with so far, and those of them that could not be. */
  done: number;
  failed: number;
  error: string | null;
  result: unknown;
  /** Name of the member or key that asked for it. */
  createdBy: string;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

export function presentJob(row: BackgroundJob): BackgroundJobView {
  const { cursor: _cursor, dueAt: _dueAt, ...view } = row;
  return view;
}
