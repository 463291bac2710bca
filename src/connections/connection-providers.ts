import type { Type } from '@nestjs/common';
import type { ProviderName } from '../core/provider-signatures/providers.js';
import type { Transport } from './api-client.js';
import { CalcomClient } from './calcom-client.js';
import { ChatwootClient } from './chatwoot-client.js';
import {
  ApiKeyCredentials,
  CalcomSettings,
  ChatwootCredentials,
  ChatwootSettings,
  TwentySettings,
} from './connection-settings.dto.js';
import type { ProviderClient } from './provider-client.js';
import { TwentyClient } from './twenty-client.js';

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
  settings: Type<Settings>;
  /** Settings that are secrets, as paths. */
  secretSettings: readonly string[];
  /** Settings that are URLs we call: they are under the address policy. */
  urlSettings: readonly string[];
  /** The kind of source its webhooks come in by. */
  source: ProviderName;
  /** What the source's verifier is told. */
  sourceSettings(settings: Settings): Record<string, unknown>;
  /** What it tells us of, unless somebody asks for something else. */
  events: readonly string[];
  client(transport: Transport, access: ProviderAccess<Credentials, Settings>): Client;
}

type Usual = 'secretSettings' | 'urlSettings' | 'sourceSettings';

const provider = <C, S, P extends ProviderClient>(
  given: Omit<ConnectionProvider<C, S, P>, Usual> & Partial<Pick<ConnectionProvider<C, S, P>, Usual>>,
): ConnectionProvider<C, S, P> => ({ secretSettings: [], urlSettings: [], sourceSettings: () => ({}), ...given });

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
};

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
