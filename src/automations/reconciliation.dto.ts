import { IsISO8601 } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

export class ReconcileConnection {
  /** Look at what changed from this time on, ISO 8601. Default: since the last time, and at first since it was connected. */
  @MayBeAbsent()
  @IsISO8601()
  since?: string;
}

export class ReconciliationView {
  connectionId: string;
  /** What changed at the provider from here on is looked at next. */
  since: Date;
  /** When it is looked at next; null: when somebody asks for it. */
  dueAt: Date | null;
  /** The job that finished last, whose result is the report; null: none has. */
  jobId: string | null;
  finishedAt: Date | null;
}
