import { isIP } from 'node:net';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO31661Alpha2,
  IsOptional,
  IsString,
  Length,
  Max,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import type { BodyFormat } from '../core/delivery-request.js';
import { MAX_ATTEMPTS, MAX_RETRY_DELAY_S } from '../core/retry-schedule.js';
import type { SignatureFormat } from '../core/signature.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

export const SIGNATURE_FORMATS = ['hex', 'sha256='] as const;
export const BODY_FORMATS = ['envelope', 'flat', 'cloudevents'] as const;
export const VOCABULARIES = ['crm', 'flowkick', 'pt-BR'] as const;
export type Vocabulary = (typeof VOCABULARIES)[number];

/** `203.0.113.7` or `203.0.113.0/24`, IPv4 or IPv6. */
function isNetwork(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const [address = '', bits, ...more] = value.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

const IsNetwork = () =>
  ValidateBy(
    { name: 'isNetwork', validator: { validate: isNetwork } },
    {
      each: true,
      message: ({ value }) =>
        `${JSON.stringify(value)}: each entry must be an address or a network such as 203.0.113.0/24`,
    },
  );

export class RateLimitSettings {
  /** Requests a minute to the API, all credentials of the tenant together; null: unlimited. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  apiPerMinute?: number | null;

  /** Inbound requests a minute, all sources together; null: unlimited. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  inboundPerMinute?: number | null;

  /** Of these, at most so many of one API key or one source; null: no such limit. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  inboundPerSenderPerMinute?: number | null;
}

/** What a tenant chooses. An absent field stays as it is, null goes back to the installation's default. */
export class TenantSettingsPatch {
  /** Form of `X-Webhook-Signature` for subscriptions that name none. */
  @IsOptional()
  @IsIn(SIGNATURE_FORMATS)
  signatureFormat?: SignatureFormat | null;

  /** Form of delivered bodies for subscriptions that name none. */
  @IsOptional()
  @IsIn(BODY_FORMATS)
  bodyFormat?: BodyFormat | null;

  /** Seconds to wait before each attempt, the first attempt's wait first: `[0, 60, 300]`. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MAX_ATTEMPTS)
  @IsInt({ each: true })
  @Min(0, { each: true })
  @Max(MAX_RETRY_DELAY_S, { each: true })
  retrySchedule?: number[] | null;

  /** How long a receiver may take, in milliseconds. */
  @IsOptional()
  @IsInt()
  @Min(1_000)
  @Max(60_000)
  timeoutMs?: number | null;

  /** Vocabularies in which changes of contacts, deals and so on are published. */
  @IsOptional()
  @IsArray()
  @ArrayUnique()
  @IsIn(VOCABULARIES, { each: true })
  vocabularies?: Vocabulary[] | null;

  /** Addresses and networks that may send inbound requests; an empty list allows all. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(200)
  @IsNetwork()
  inboundIpAllowlist?: string[] | null;

  @IsOptional()
  @ValidateNested()
  @Type(() => RateLimitSettings)
  rateLimits?: RateLimitSettings | null;

  /** Events, deliveries, attempts and inbound events older than this are removed. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(3650)
  retentionDays?: number | null;

  /** Refuse events whose type is not in the catalog. */
  @IsOptional()
  @IsBoolean()
  strictEventTypes?: boolean | null;

  /** Country of telephone numbers that are written without one, as ISO 3166 says it: `BR`. Null: such numbers are refused. */
  @IsOptional()
  @IsISO31661Alpha2({ message: 'defaultCountry must be a country of two letters such as BR' })
  defaultCountry?: string | null;
}

/** What holds for the tenant: its own choices, and the installation's defaults for the rest. */
export class EffectiveSettings {
  signatureFormat: SignatureFormat;
  bodyFormat: BodyFormat;
  /** Seconds. */
  retrySchedule: number[];
  timeoutMs: number;
  vocabularies: Vocabulary[];
  /** Empty: all addresses may send. */
  inboundIpAllowlist: string[];
  rateLimits: {
    apiPerMinute: number | null;
    inboundPerMinute: number | null;
    inboundPerSenderPerMinute: number | null;
  };
  retentionDays: number;
  strictEventTypes: boolean;
  /** Of telephone numbers in national form. */
  defaultCountry: string | null;
  /** The names of the settings the tenant has chosen itself; the others are defaults. */
  own: string[];
}

export class UpdateTenant {
  @MayBeAbsent()
  @IsString()
  @Length(1, 200)
  name?: string;

  @MayBeAbsent()
  @ValidateNested()
  @Type(() => TenantSettingsPatch)
  settings?: TenantSettingsPatch;
}

export class TenantView {
  id: string;
  slug: string;
  name: string;
  settings: EffectiveSettings;
  createdAt: Date;
  updatedAt: Date;
}
