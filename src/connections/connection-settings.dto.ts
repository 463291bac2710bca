import { applyDecorators } from '@nestjs/common';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsEmail,
  IsIn,
  IsInt,
  IsString,
  IsUrl,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

// What each provider needs to let us in, and what it is told. A connection's `credentials` and `settings` are of the classes that
// connection-providers.ts names; pointers of refusals lead into them.

/** A credential as it is pasted. A blank or a line break that came along would be refused by the provider, or break the header. */
const Credential = () =>
  applyDecorators(
    IsString(),
    MaxLength(4096),
    Matches(/^[\x21-\x7e]+$/, {
      message: 'a credential has no blanks, line breaks or letters with accents: paste it again',
    }),
  );

/** `{name: value}`, both texts of a sensible length. */
const NamedTexts = () =>
  ValidateBy({
    name: 'namedTexts',
    validator: {
      validate: (value) =>
        typeof value === 'object' &&
        value !== null &&
        Object.entries(value).every((pair) =>
          pair.every((text) => typeof text === 'string' && /^.{1,200}$/.test(text)),
        ),
      defaultMessage: () => 'stages is an object of texts such as {"MEETING_SCHEDULED": "MEETING"}',
    },
  });

export class ApiKeyCredentials {
  @Credential()
  apiKey: string;
}

export class ChatwootCredentials {
  /** Profile settings, Access token; webhooks need that of an administrator. */
  @Credential()
  apiAccessToken: string;
}

export class CalendlyCredentials {
  /** A personal access token, or an OAuth token. */
  @Credential()
  token: string;
}

export class TwilioCredentials {
  @Matches(/^AC[0-9a-fA-F]{32}$/, { message: 'accountSid begins with AC and has 34 characters: it is in the console' })
  accountSid: string;

  @Credential()
  authToken: string;
}

/** Either an access token, which ends after an hour, or a refresh token with the OAuth client it was given to. */
export class GmailCredentials {
  @MayBeAbsent()
  @Credential()
  accessToken?: string;

  @MayBeAbsent()
  @Credential()
  refreshToken?: string;

  @MayBeAbsent()
  @IsString()
  @Length(1, 500)
  clientId?: string;

  @MayBeAbsent()
  @Credential()
  clientSecret?: string;
}

export class TwentyAutomations {
  /** person.created and person.updated → contact in Chatwoot. */
  @MayBeAbsent()
  @IsBoolean()
  contactsToChatwoot?: boolean;

  /** opportunity.updated → what the new stage asks for. */
  @MayBeAbsent()
  @IsBoolean()
  opportunityStages?: boolean;
}

/** Of connections whose provider is compared with what is known here. */
class ReconciledSettings {
  /** How often what no webhook told is looked for. Default 60; 0: only when somebody asks for it. */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(10_080)
  reconcileEveryMinutes?: number;
}

export class TwentySettings extends ReconciledSettings {
  /** The name an automation uses → the stage of this workspace: `{"MEETING_SCHEDULED": "MEETING"}`. */
  @MayBeAbsent()
  @NamedTexts()
  stages?: Record<string, string>;

  /** All are on until they are switched off here. */
  @MayBeAbsent()
  @ValidateNested()
  @Type(() => TwentyAutomations)
  automations?: TwentyAutomations;
}

export class ChatwootAi {
  @IsBoolean()
  enabled: boolean;

  /** `openai`: any endpoint that speaks OpenAI's chat completions; `webhook`: a URL that gets the message and answers. */
  @IsIn(['openai', 'webhook'])
  kind: 'openai' | 'webhook';

  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  @MaxLength(2000)
  url: string;

  /** Write-only: shown as `[redacted]`, which may be sent back. */
  @MayBeAbsent()
  @Credential()
  apiKey?: string;

  @MayBeAbsent()
  @IsString()
  @Length(1, 200)
  model?: string;

  @MayBeAbsent()
  @IsString()
  @MaxLength(20_000)
  systemPrompt?: string;

  /** A message with one of these is for a person: the agent falls silent in the conversation, and somebody is told. */
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(50)
  @IsString({ each: true })
  @Length(2, 100, { each: true })
  handoverWords?: string[];

  /** Who gets conversations that are handed over: the number of an agent, or of a team. Absent: whoever looks at the inbox. */
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  handoverAgentId?: number;

  @MayBeAbsent()
  @IsInt()
  @Min(1)
  handoverTeamId?: number;

  /** More answers in one conversation within an hour are a person's matter. Default 30. */
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(1000)
  maxAnswersPerHour?: number;

  /** How many earlier messages it is shown. Default 20. */
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(100)
  historyMessages?: number;

  /** How long it may think. Default 30. */
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(120)
  timeoutS?: number;
}

export class ChatwootAutomations {
  /** contact_created → person in Twenty. */
  @MayBeAbsent()
  @IsBoolean()
  contactsToTwenty?: boolean;
}

export class ChatwootSettings extends ReconciledSettings {
  /** The number in the address of Chatwoot's pages: /app/accounts/<number>. */
  @IsInt()
  @Min(1)
  accountId: number;

  /** New contacts and conversations are made in this inbox. */
  @IsInt()
  @Min(1)
  inboxId: number;

  /** Answers incoming messages. */
  @MayBeAbsent()
  @ValidateNested()
  @Type(() => ChatwootAi)
  ai?: ChatwootAi;

  /** All are on until they are switched off here. */
  @MayBeAbsent()
  @ValidateNested()
  @Type(() => ChatwootAutomations)
  automations?: ChatwootAutomations;
}

export class CalcomAutomations {
  /** BOOKING_* → opportunity in Twenty. */
  @MayBeAbsent()
  @IsBoolean()
  opportunities?: boolean;

  /** BOOKING_* → message in Chatwoot. */
  @MayBeAbsent()
  @IsBoolean()
  messages?: boolean;
}

export class CalcomSettings extends ReconciledSettings {
  /** All are on until they are switched off here. */
  @MayBeAbsent()
  @ValidateNested()
  @Type(() => CalcomAutomations)
  automations?: CalcomAutomations;
}

export class CalendlyAutomations {
  /** invitee.created and invitee.canceled → contact and booking here. */
  @MayBeAbsent()
  @IsBoolean()
  bookings?: boolean;
}

export class CalendlySettings extends ReconciledSettings {
  /** Whose bookings the webhook tells of: the token's user (default), or everybody in the organisation. */
  @MayBeAbsent()
  @IsIn(['user', 'organization'])
  scope?: 'user' | 'organization';

  /** All are on until they are switched off here. */
  @MayBeAbsent()
  @ValidateNested()
  @Type(() => CalendlyAutomations)
  automations?: CalendlyAutomations;
}

export class TwilioSettings {
  /** The usual sender: `+14155238886`, or `whatsapp:+14155238886`. */
  @MayBeAbsent()
  @Matches(/^(whatsapp:)?\+[1-9]\d{6,14}$/, {
    message: 'from is a number such as +14155238886, after "whatsapp:" or not',
  })
  from?: string;

  /** A messaging service that chooses the sender, instead of `from`. */
  @MayBeAbsent()
  @Matches(/^MG[0-9a-fA-F]{32}$/, { message: 'messagingServiceSid begins with MG and has 34 characters' })
  messagingServiceSid?: string;
}

export class EvolutionSettings {
  /** The name of the instance, as in the paths of its API. */
  @IsString()
  @Length(1, 200)
  instance: string;
}

export class GmailSettings {
  /** The mailbox; default: the one the credentials belong to. */
  @MayBeAbsent()
  @IsEmail()
  mailbox?: string;

  /** The Pub/Sub topic Gmail tells of changes: `projects/<project>/topics/<topic>`. Needed for register-webhooks. */
  @MayBeAbsent()
  @Matches(/^projects\/[^/]+\/topics\/[^/]+$/, { message: 'topic is of the form projects/<project>/topics/<topic>' })
  topic?: string;

  /** The service account that signs the pushes of the topic's subscription. Needed for register-webhooks. */
  @MayBeAbsent()
  @IsEmail()
  pushServiceAccount?: string;

  /** Where access tokens are had, when that is not Google. */
  @MayBeAbsent()
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  @MaxLength(2000)
  tokenUrl?: string;
}
