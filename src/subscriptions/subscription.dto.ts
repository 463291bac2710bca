import { PartialType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsDefined,
  IsIn,
  IsInt,
  IsISO8601,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { MAX_ATTEMPTS, MAX_RETRY_DELAY_S } from '../core/retry-schedule.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import { SubscriptionAuth, SubscriptionAuthView } from './receiver-auth.dto.js';

export class RateLimit {
  /** 1 to 10,000. */
  @IsInt()
  @Min(1)
  @Max(10_000)
  perSecond: number;
}

/** What a subscription is made from. */
export class CreateSubscription {
  /** Where to POST: http or https, without credentials. Private addresses are refused. */
  @IsString()
  @MaxLength(2048)
  url: string;

  /** Event types to send: exact names, `contact.*`, or `*`. */
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  eventTypes: string[];

  @MayBeAbsent()
  @IsString()
  @MaxLength(200)
  name?: string;

  @MayBeAbsent()
  @IsString()
  @MaxLength(2000)
  description?: string;

  /** A disabled subscription gets no new deliveries, and those it has wait. */
  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;

  /** Your own signing secret; one is made when absent. `whsec_` + base64 of 16 to 64 bytes, or any 16 to 256 characters. */
  @MayBeAbsent()
  @IsString()
  secret?: string;

  /** Form of `X-Webhook-Signature`: bare hex, or hex after `sha256=`. Default: the tenant's setting. */
  @MayBeAbsent()
  @IsIn(['hex', 'sha256='])
  signatureFormat?: 'hex' | 'sha256=';

  /** `envelope` {event, timestamp, data, metadata?}, `flat` (the data alone) or `cloudevents`. Default: the tenant's setting. */
  @MayBeAbsent()
  @IsIn(['envelope', 'flat', 'cloudevents'])
  bodyFormat?: 'envelope' | 'flat' | 'cloudevents';

  /** Seconds to wait before each attempt, first attempt first: `[0, 60, 300]`. Default: the tenant's. */
  @MayBeAbsent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_ATTEMPTS)
  @IsInt({ each: true })
  @Min(0, { each: true })
  @Max(MAX_RETRY_DELAY_S, { each: true })
  retrySchedule?: number[];

  /** Instead of a schedule: so many retries after the first attempt, each wait twice the one before. */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(MAX_ATTEMPTS - 1)
  retryAttempts?: number;

  /** With `retryAttempts`: seconds before the first retry (default 60). */
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(MAX_RETRY_DELAY_S)
  retryDelay?: number;

  /** How long the receiver may take, in milliseconds, 1,000 to 60,000. Default: the tenant's. */
  @MayBeAbsent()
  @IsInt()
  @Min(1000)
  @Max(60_000)
  timeoutMs?: number;

  /** Most requests open at once. */
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(1000)
  maxInFlight?: number;

  /** Most requests started in a second, over all workers. Null: no limit. */
  @IsOptional()
  @ValidateNested()
  @Type(() => RateLimit)
  rateLimit?: RateLimit | null;

  /** One after the other, in the order of acceptance; with ordering keys, in the order of each key. */
  @MayBeAbsent()
  @IsBoolean()
  ordered?: boolean;

  /** Only events published to one of these channels. Empty: events of every channel and of none. */
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  @Length(1, 128, { each: true })
  channels?: string[];

  /** Only events whose data matches, such as `{"status": "won", "amount": {"$gte": 100}}`. Null: all. */
  @IsOptional()
  @IsObject()
  filter?: Record<string, unknown> | null;

  /** Your own name for it, unique in the tenant: creating again with the same key updates instead of making a second. */
  @MayBeAbsent()
  @IsString()
  @Length(1, 200)
  externalKey?: string;

  /** Send only these parts of the data, as JSON pointers: `["/id", "/contact/email"]`. What an event does not have is absent. */
  @IsOptional()
  @MaxLength(256, { each: true })
  @IsString({ each: true })
  @ArrayMaxSize(100)
  @IsArray()
  fields?: string[] | null;

  /** Headers to send along, by name; at most 20. They replace those there were; the value `•••`, as shown, keeps one. */
  @IsOptional()
  @IsObject()
  headers?: Record<string, string> | null;

  /** How to sign in at the receiver. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => SubscriptionAuth)
  auth?: SubscriptionAuth | null;

  /** Also sign with the tenant's ed25519 key (`v1a`), whose public half is at `/.well-known/webhook-keys/{tenant}`. */
  @MayBeAbsent()
  @IsBoolean()
  asymmetric?: boolean;

  /** From then on nothing is sent, and an hour later it is deleted, unless it is renewed. Null: never. */
  @IsOptional()
  @IsISO8601({ strict: true, strictSeparator: true })
  expiresAt?: string | null;
}

export class UpdateSubscription extends PartialType(CreateSubscription) {}

export class SubscriptionQuery extends PageQuery {
  /** Only those with exactly this URL. */
  @MayBeAbsent()
  @IsString()
  url?: string;

  /** Only those that would get an event of this type. */
  @MayBeAbsent()
  @IsString()
  eventType?: string;

  @MayBeAbsent()
  @IsString()
  externalKey?: string;
}

export class RenewSubscription {
  /** The new end. */
  @MayBeAbsent()
  @IsISO8601({ strict: true, strictSeparator: true })
  expiresAt?: string;

  /** Or so many seconds from now, at most ten years. */
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(10 * 366 * 24 * 3600)
  forSeconds?: number;
}

export class RotateSecret {
  /** So long the old secret signs beside the new one, in seconds (default one day, at most 30 days). */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(30 * 24 * 3600)
  overlapSeconds: number = 24 * 3600;

  /** The new secret; one is made when absent. */
  @MayBeAbsent()
  @IsString()
  secret?: string;
}

export class RotatedSecretView {
  /** The new secret: shown here once and never again. */
  secret: string;
  /** So long the old one signs beside it. */
  previousExpiresAt: Date;
}

export class TestSubscription {
  /** Event type whose sample is sent. Default: `webhook.test`. */
  @MayBeAbsent()
  @IsString()
  eventType?: string;
}

export class FilterCheck {
  /** A filter, right or wrong. */
  @IsDefined()
  filter: unknown;

  /** The `data` of an event to try it on. */
  @IsOptional()
  @IsObject()
  data?: Record<string, unknown>;

  /** Instead of data: an event type, whose sample is tried. */
  @MayBeAbsent()
  @IsString()
  eventType?: string;
}

export class FilterCheckResult {
  valid: boolean;
  /** What is wrong with it, with pointers into the filter. */
  problems: { pointer: string; detail: string }[];
  /** Whether the data matches; null when there was none to try. */
  matches: boolean | null;
}

/** How the endpoint of a subscription fares. */
export class SubscriptionHealthView {
  /** `well`, `paused` (a rest asked for, or too many failures in a row), `held` (workflow inactive) or `disabled`. */
  state: 'well' | 'paused' | 'held' | 'disabled';
  /** In words; null when all is well. */
  reason: string | null;
  /** Since when it fails, is held or is disabled. */
  since: Date | null;
  /** When it is tried again. */
  nextTryAt: Date | null;
  consecutiveFailures: number;
  lastSuccessAt: Date | null;
}

/** A subscription as the API shows it. */
export class SubscriptionView {
  id: string;
  tenantId: string;
  name: string;
  description: string;
  url: string;
  eventTypes: string[];
  enabled: boolean;
  /** Why the platform switched it off, in words; null when it did not. */
  disabledReason: string | null;
  disabledAt: Date | null;
  /** Null: the tenant's setting. */
  signatureFormat: string | null;
  bodyFormat: string | null;
  retrySchedule: number[] | null;
  timeoutMs: number | null;
  maxInFlight: number | null;
  rateLimit: RateLimit | null;
  ordered: boolean;
  channels: string[];
  filter: Record<string, unknown> | null;
  health: SubscriptionHealthView;
  externalKey: string | null;
  /** Empty: all of the data is sent. */
  fields: string[];
  /** Custom headers by name; their values are never shown. */
  headers: Record<string, string>;
  auth: SubscriptionAuthView | null;
  asymmetric: boolean;
  expiresAt: Date | null;
  /** What will probably go wrong with this URL, in words. */
  warnings: string[];
  /** Finished deliveries. */
  successCount: number;
  failedCount: number;
  lastDeliveryStatus: string | null;
  lastDeliveryAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export class CreatedSubscriptionView extends SubscriptionView {
  /** The signing secret: shown here once and never again. Absent when an existing subscription was updated. */
  secret?: string;
}
