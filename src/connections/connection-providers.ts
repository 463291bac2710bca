import type { Type } from '@nestjs/common';
import type { ProviderName } from '../core/provider-signatures/providers.js';
import { lacking } from './ability-checks.js';
import type { Transport } from './api-client.js';
import { CalcomClient } from './calcom-client.js';
import { CalendlyClient } from './calendly-client.js';
import { ChatwootClient } from './chatwoot-client.js';
import {
  ApiKeyCredentials,
  CalcomSettings,
  CalendlyCredentials,
  CalendlySettings,
  ChatwootCredentials,
  ChatwootSettings,
  EvolutionSettings,
  GmailCredentials,
  GmailSettings,
  TwentySettings,
  TwilioCredentials,
  TwilioSettings,
} from './connection-settings.dto.js';
import { EvolutionClient } from './evolution-client.js';
import { GmailClient } from './gmail-client.js';
import type { GmailGrant } from './gmail-tokens.js';
import type { ProviderClient } from './provider-client.js';
import { TwentyClient } from './twenty-client.js';
import { TwilioClient } from './twilio-client.js';

/** What a client is made of. */
export interface ProviderAccess<Credentials, Settings> {
  baseUrl: string;
  credentials: Credentials;
  settings: Settings;
}

interface ConnectionProvider<Credentials, Settings, Client> {
  title: string;
  /** The provider's cloud; null: everybody has a server of their own. */
  baseUrl: string | null;
  credentials: Type<Credentials>;
  /** What is wrong with credentials that each look right, in words. */
  credentialsProblem(credentials: Credentials): string | null;
  settings: Type<Settings>;
  /** Settings that are secrets, as paths. */
  secretSettings: readonly string[];
  /** Settings that are URLs we call: they are under the address policy. */
  urlSettings: readonly string[];
  /** The kind of source its webhooks come in by. */
  source: ProviderName;
  /** What the source's verifier is told. @throws ProviderError when settings it needs are missing */
  sourceSettings(settings: Settings): Record<string, unknown>;
  /** What it tells us of, unless somebody asks for something else. */
  events: readonly string[];
  /** What is registered ends by itself and is registered again after so long; null: it stays. */
  renewAfterMs: number | null;
  client(transport: Transport, access: ProviderAccess<Credentials, Settings>): Client;
}

type Usual = 'renewAfterMs' | 'credentialsProblem' | 'secretSettings' | 'urlSettings' | 'sourceSettings';

const provider = <C, S, P extends ProviderClient>(
  given: Omit<ConnectionProvider<C, S, P>, Usual> & Partial<Pick<ConnectionProvider<C, S, P>, Usual>>,
): ConnectionProvider<C, S, P> => ({
  credentialsProblem: () => null,
  secretSettings: [],
  urlSettings: [],
  sourceSettings: () => ({}),
  renewAfterMs: null,
  ...given,
});

/** The providers whose API can be called: where it is, what it needs, what it tells us of. Facts are the provider sheet's. */
export const CONNECTION_PROVIDERS = {
  twenty: provider({
    title: 'Twenty CRM',
    baseUrl: 'https://api.twenty.com',
    credentials: ApiKeyCredentials,
    settings: TwentySettings,
    source: 'twenty',
    events: ['person.*', 'opportunity.*'],
    client: (transport, { baseUrl, credentials, settings }) =>
      new TwentyClient(transport, { baseUrl, ...credentials, stages: settings.stages ?? {} }),
  }),
  chatwoot: provider({
    title: 'Chatwoot',
    baseUrl: 'https://app.chatwoot.com',
    credentials: ChatwootCredentials,
    settings: ChatwootSettings,
    secretSettings: ['ai.apiKey'],
    urlSettings: ['ai.url'],
    source: 'chatwoot',
    events: [
      'conversation_created',
      'message_created',
      'contact_created',
      'contact_updated',
      'conversation_status_changed',
    ],
    client: (transport, { baseUrl, credentials, settings: { accountId, inboxId } }) =>
      new ChatwootClient(transport, { baseUrl, ...credentials, accountId, inboxId }),
  }),
  calcom: provider({
    title: 'Cal.com',
    baseUrl: 'https://api.cal.com',
    credentials: ApiKeyCredentials,
    settings: CalcomSettings,
    source: 'calcom',
    events: ['BOOKING_CREATED', 'BOOKING_RESCHEDULED', 'BOOKING_CANCELLED', 'MEETING_ENDED'],
    client: (transport, { baseUrl, credentials }) => new CalcomClient(transport, { baseUrl, ...credentials }),
  }),
  calendly: provider({
    title: 'Calendly',
    baseUrl: 'https://api.calendly.com',
    credentials: CalendlyCredentials,
    settings: CalendlySettings,
    source: 'calendly',
    events: ['invitee.created', 'invitee.canceled'],
    client: (transport, { baseUrl, credentials, settings: { scope = 'user' } }) =>
      new CalendlyClient(transport, { baseUrl, ...credentials, scope }),
  }),
  twilio: provider({
    title: 'Twilio',
    baseUrl: 'https://api.twilio.com',
    credentials: TwilioCredentials,
    settings: TwilioSettings,
    source: 'twilio',
    events: ['message.received'],
    client: (transport, { baseUrl, credentials, settings: { from = null, messagingServiceSid = null } }) =>
      new TwilioClient(transport, { baseUrl, ...credentials, from, messagingServiceSid }),
  }),
  evolution: provider({
    title: 'Evolution API',
    baseUrl: null,
    credentials: ApiKeyCredentials,
    settings: EvolutionSettings,
    source: 'evolution',
    events: ['MESSAGES_UPSERT', 'MESSAGES_UPDATE', 'SEND_MESSAGE', 'CONNECTION_UPDATE'],
    client: (transport, { baseUrl, credentials, settings: { instance } }) =>
      new EvolutionClient(transport, { baseUrl, ...credentials, instance }),
  }),
  gmail: provider({
    title: 'Gmail',
    baseUrl: 'https://gmail.googleapis.com',
    credentials: GmailCredentials,
    credentialsProblem: gmailCredentialsProblem,
    settings: GmailSettings,
    urlSettings: ['tokenUrl'],
    source: 'google-pubsub',
    sourceSettings: ({ topic, pushServiceAccount }) => {
      if (topic && pushServiceAccount) return { serviceAccountEmail: pushServiceAccount };
      throw lacking(
        'Gmail tells a Pub/Sub topic: set "topic" and "pushServiceAccount" in the settings of the connection.',
      );
    },
    // Labels whose messages it tells of.
    events: ['INBOX'],
    // A watch ends after 7 days; Google asks for a renewal each day.
    renewAfterMs: 24 * 3_600_000,
    client: (transport, { baseUrl, credentials, settings: { mailbox = null, topic = null, tokenUrl } }) =>
      new GmailClient(transport, { baseUrl, grant: grantOf(credentials, tokenUrl ?? GOOGLE_TOKENS), mailbox, topic }),
  }),
};

const GOOGLE_TOKENS = 'https://oauth2.googleapis.com/token';
const REFRESHING = ['refreshToken', 'clientId', 'clientSecret'] as const;

function gmailCredentialsProblem(credentials: GmailCredentials): string | null {
  const given = REFRESHING.filter((name) => credentials[name] !== undefined);
  if (credentials.accessToken !== undefined && given.length === 0) return null;
  if (credentials.accessToken === undefined && given.length === REFRESHING.length) return null;
  return 'Give either accessToken, or refreshToken with clientId and clientSecret of the OAuth client it was given to.';
}

function grantOf(credentials: GmailCredentials, tokenUrl: string): GmailGrant {
  const { accessToken, refreshToken = '', clientId = '', clientSecret = '' } = credentials;
  return accessToken === undefined ? { refreshToken, clientId, clientSecret, tokenUrl } : { accessToken };
}

export type ConnectionProviderName = keyof typeof CONNECTION_PROVIDERS;
export const CONNECTION_PROVIDER_NAMES = Object.keys(CONNECTION_PROVIDERS) as ConnectionProviderName[];

type Known<Name extends ConnectionProviderName> = (typeof CONNECTION_PROVIDERS)[Name];
export type ClientOf<Name extends ConnectionProviderName> = ReturnType<Known<Name>['client']>;
export type SettingsOf<Name extends ConnectionProviderName> = InstanceType<Known<Name>['settings']>;
export type CredentialsOf<Name extends ConnectionProviderName> = InstanceType<Known<Name>['credentials']>;

/** Any provider, for what is done with all of them alike. */
export function connectionProvider(name: string): ConnectionProvider<object, object, ProviderClient> {
  // Which class belongs to which name is said above; a caller who has only a name cannot mix them up.
  return CONNECTION_PROVIDERS[name as ConnectionProviderName] as unknown as ConnectionProvider<
    object,
    object,
    ProviderClient
  >;
}
