import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  Length,
  MaxLength,
} from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import { CONNECTION_PROVIDER_NAMES, type ConnectionProviderName } from './connection-providers.js';
import type { Ability } from './provider-client.js';

const MAX_URL_LENGTH = 2000;

export class CreateConnection {
  /** `twenty`, `chatwoot`, `calcom` …: docs/guides/connections.md says what each needs. */
  @IsIn(CONNECTION_PROVIDER_NAMES)
  provider: ConnectionProviderName;

  @IsString()
  @Length(1, 200)
  name: string;

  /** Where the provider's API is; absent: its cloud. Needed for Evolution, which has none. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(MAX_URL_LENGTH)
  baseUrl?: string;

  /** Write-only: `{apiKey}` for Twenty, Cal.com and Evolution, `{apiAccessToken}` for Chatwoot, `{token}` for Calendly, `{accountSid, authToken}` for Twilio, `{accessToken}` or `{refreshToken, clientId, clientSecret}` for Gmail. */
  @IsObject()
  credentials: Record<string, unknown>;

  /** What the provider's client and the automations are told, for instance Chatwoot's `{accountId, inboxId}`. */
  @IsOptional()
  @IsObject()
  settings?: Record<string, unknown>;

  /** Default true; one that is off is not used by automations. */
  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;
}

export class UpdateConnection {
  @MayBeAbsent()
  @IsString()
  @Length(1, 200)
  name?: string;

  /** Another server: give the credentials again. `null`: the provider's cloud. */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_URL_LENGTH)
  baseUrl?: string | null;

  /** All credentials anew. */
  @IsOptional()
  @IsObject()
  credentials?: Record<string, unknown>;

  /** All settings anew. A secret one may be given as it is shown, `[redacted]`: then it stays. */
  @IsOptional()
  @IsObject()
  settings?: Record<string, unknown>;

  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;
}

export class ConnectionQuery extends PageQuery {
  @MayBeAbsent()
  @IsString()
  provider?: string;
}

export class DeleteConnectionQuery {
  /** `true`: the webhook at the provider and its source stay, and go on. */
  @MayBeAbsent()
  @IsIn(['true', 'false'])
  keepWebhook?: 'true' | 'false';
}

export class RegisterWebhooks {
  /** What the provider shall tell us of, in its own words; absent: what the automations need. */
  @MayBeAbsent()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 200, { each: true })
  events?: string[];

  /** The secret to sign with, where the provider takes one of yours; absent: the source's own. */
  @MayBeAbsent()
  @IsString()
  @Length(8, 4096)
  secret?: string;

  /** Where the provider shall send, when it reaches this server under another name than PUBLIC_URL or on a fixed path; absent: the source's URL. */
  @MayBeAbsent()
  @IsString()
  @MaxLength(MAX_URL_LENGTH)
  url?: string;
}

export class RegisteredWebhookView {
  /** The source by which its events come in. */
  sourceId: string;
  /** Where the provider sends. */
  url: string;
  events: string[];
  /** The provider's own id of it; null where it has none, or was not reached yet. */
  externalId: string | null;
  /** Null: the provider has not taken it yet. Register again. */
  registeredAt: Date | null;
}

export class WebhookRegistration extends RegisteredWebhookView {
  /** What is left for a person to do; null: nothing. */
  note: string | null;
}

export class ConnectionView {
  id: string;
  tenantId: string;
  provider: string;
  name: string;
  enabled: boolean;
  baseUrl: string;
  /** Secret ones are shown as `[redacted]`. */
  settings: Record<string, unknown>;
  /** Null: none was registered. */
  webhook: RegisteredWebhookView | null;
  createdAt: Date;
  updatedAt: Date;
}

export class AbilityView implements Ability {
  /** Stable: `credentials`, `contacts`, `webhooks` … */
  name: string;
  ok: boolean;
  /** What works, or what is missing and where it is given. */
  message: string;
}

export class ConnectionCheck {
  /** Whether everything works. */
  ok: boolean;
  checkedAt: Date;
  /** Where the credentials are not accepted, nothing else is asked. */
  abilities: AbilityView[];
}
