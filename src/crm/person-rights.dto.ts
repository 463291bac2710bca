import { Transform } from 'class-transformer';
import { IsBoolean, IsISO8601, IsString, Length } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

export class DeleteContactQuery {
  /** `true`: also what is stored of the person elsewhere, see the guide on consent and erasure. */
  @MayBeAbsent()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean({ message: 'erase must be true or false' })
  erase: boolean = false;
}

export class SayConsent {
  @IsBoolean()
  given: boolean;

  /** Where it was said: `website_form`. Default: what `X-Change-Source` says, or `api`. */
  @MayBeAbsent()
  @IsString()
  @Length(1, 200)
  source?: string;

  /** When it was said, ISO 8601. Default: now. */
  @MayBeAbsent()
  @IsISO8601({ strict: true, strictSeparator: true })
  at?: string;
}

export class ErasureProviderView {
  connectionId: string;
  provider: string;
  status: 'pending' | 'done' | 'failed';
  attempts: number;
  error: string | null;
  completedAt: Date | null;
}

/** How many rows were written over, cancelled or removed so far. */
export class ErasedCounts {
  events: number;
  cancelledDeliveries: number;
  /** Answers of receivers to other events. */
  attempts: number;
  inboundEvents: number;
  /** Kept answers to requests, refused requests, rows of outbox and imports. */
  others: number;
}

export class ErasureView {
  id: string;
  contactId: string;
  /** `running` until nothing is left; `failed` and `cancelled` go on when the erasure is asked for once more. */
  status: 'running' | 'completed' | 'failed' | 'cancelled';
  jobId: string;
  /** Stored events looked at, of how many. */
  done: number;
  total: number | null;
  erased: ErasedCounts;
  /** Providers of connections that have to be told. */
  providers: ErasureProviderView[];
  requestedAt: Date;
  completedAt: Date | null;
}
