import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsIn,
  IsISO8601,
  IsObject,
  IsString,
  IsUUID,
  ValidateNested,
} from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

export const MAX_REPLAY_SUBSCRIPTIONS = 200;

export class ReplayEvent {
  /** Send it to these alone, whatever types they ask for. Default: every enabled subscription that matches now. */
  @MayBeAbsent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @ArrayMaxSize(MAX_REPLAY_SUBSCRIPTIONS)
  @IsUUID('all', { each: true })
  subscriptionIds?: string[];
}

export class ReplayedDelivery {
  subscriptionId: string;
  deliveryId: string;
  /** `created`: it had none; `reopened`: it is sent again with the same webhook-id; `pending`: it was on its way already. */
  action: 'created' | 'reopened' | 'pending';
}

export class ReplayAnswer {
  eventId: string;
  deliveries: ReplayedDelivery[];
}

const RECOVERABLE = ['failed', 'cancelled', 'succeeded', 'missing'] as const;
export type Recoverable = (typeof RECOVERABLE)[number];

export class RecoverSubscription {
  /** Events accepted from this time on, ISO 8601. */
  @IsISO8601({ strict: true, strictSeparator: true })
  since: string;

  /** And before this time. Default: now. */
  @MayBeAbsent()
  @IsISO8601({ strict: true, strictSeparator: true })
  until?: string;

  /**
   * What to send: `failed`, `cancelled`, `succeeded` (once more), `missing` (matching events that have no delivery to this
   * subscription, such as those accepted while it was disabled). Default: all but `succeeded`.
   */
  @MayBeAbsent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(RECOVERABLE, { each: true })
  statuses: Recoverable[] = ['failed', 'cancelled', 'missing'];
}

/** Which deliveries to send once more; absent fields do not restrict. */
export class RetryFilter {
  @MayBeAbsent()
  @IsUUID()
  subscriptionId?: string;

  @MayBeAbsent()
  @IsUUID()
  eventId?: string;

  @MayBeAbsent()
  @IsString()
  eventType?: string;

  /** Default: `failed`. */
  @MayBeAbsent()
  @IsIn(['failed', 'cancelled', 'succeeded'])
  status: 'failed' | 'cancelled' | 'succeeded' = 'failed';

  /** Made from this time on, ISO 8601. */
  @MayBeAbsent()
  @IsISO8601({ strict: true, strictSeparator: true })
  since?: string;

  /** And before this time. Default: now. */
  @MayBeAbsent()
  @IsISO8601({ strict: true, strictSeparator: true })
  until?: string;
}

export class RetryDeliveries {
  /** `{}`: every failed delivery of the tenant. */
  @IsObject()
  @ValidateNested()
  @Type(() => RetryFilter)
  filter: RetryFilter;
}
