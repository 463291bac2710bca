import { ConnectionClients } from '../../../src/connections/connection-clients.js';
import type { Api } from '../../support/api.js';
import type { TestApp } from '../../support/app.js';
import type { CalcomServer } from '../../support/providers/calcom.js';
import type { CalendlyServer } from '../../support/providers/calendly.js';
import type { ChatwootServer } from '../../support/providers/chatwoot.js';
import type { EvolutionServer } from '../../support/providers/evolution.js';
import type { GmailServer } from '../../support/providers/gmail.js';
import type { TwentyServer } from '../../support/providers/twenty.js';
import type { TwilioServer } from '../../support/providers/twilio.js';

type Made = { id: string; [field: string]: unknown };

/** A tenant's connection to a provider that plays here. */
export const connectTwenty = (api: Api, twenty: TwentyServer, fields: object = {}): Promise<Made> =>
  api.post(
    '/api/v1/connections',
    { provider: 'twenty', name: 'CRM', baseUrl: twenty.url, credentials: { apiKey: twenty.apiKey }, ...fields },
    201,
  );

export const connectChatwoot = (api: Api, chatwoot: ChatwootServer, fields: object = {}): Promise<Made> =>
  api.post(
    '/api/v1/connections',
    {
      provider: 'chatwoot',
      name: 'Chat',
      baseUrl: chatwoot.url,
      credentials: { apiAccessToken: chatwoot.apiAccessToken },
      settings: { accountId: chatwoot.accountId, inboxId: chatwoot.inboxId },
      ...fields,
    },
    201,
  );

export const connectCalcom = (api: Api, calcom: CalcomServer, fields: object = {}): Promise<Made> =>
  api.post(
    '/api/v1/connections',
    { provider: 'calcom', name: 'Calendar', baseUrl: calcom.url, credentials: { apiKey: calcom.apiKey }, ...fields },
    201,
  );

export const connectCalendly = (api: Api, calendly: CalendlyServer, fields: object = {}): Promise<Made> =>
  api.post(
    '/api/v1/connections',
    {
      provider: 'calendly',
      name: 'Bookings',
      baseUrl: calendly.url,
      credentials: { token: calendly.token },
      ...fields,
    },
    201,
  );

export const connectTwilio = (api: Api, twilio: TwilioServer, fields: object = {}): Promise<Made> => {
  const { accountSid, authToken, url: baseUrl } = twilio;
  const settings = { from: '+14155238886' };
  const body = {
    provider: 'twilio',
    name: 'SMS',
    baseUrl,
    credentials: { accountSid, authToken },
    settings,
    ...fields,
  };
  return api.post('/api/v1/connections', body, 201);
};

export const connectEvolution = (api: Api, evolution: EvolutionServer, fields: object = {}): Promise<Made> => {
  const { apiKey, instance, url: baseUrl } = evolution;
  const body = {
    provider: 'evolution',
    name: 'WhatsApp',
    baseUrl,
    credentials: { apiKey },
    settings: { instance },
    ...fields,
  };
  return api.post('/api/v1/connections', body, 201);
};

export const connectGmail = (api: Api, gmail: GmailServer, fields: object = {}): Promise<Made> => {
  const { refreshToken, client, topic, pushServiceAccount, url: baseUrl } = gmail;
  const settings = { topic, pushServiceAccount, tokenUrl: `${baseUrl}/token` };
  const body = {
    provider: 'gmail',
    name: 'Mail',
    baseUrl,
    credentials: { refreshToken, ...client },
    settings,
    ...fields,
  };
  return api.post('/api/v1/connections', body, 201);
};

/** The clients of the application under test, as an automation gets them. */
export const clientsOf = (app: TestApp) => app.app.get(ConnectionClients, { strict: false });

export const register = (api: Api, connection: { id: string }, input: object = {}, status = 200) =>
  api.post(`/api/v1/connections/${connection.id}/register-webhooks`, input, status);

export const check = (api: Api, connection: { id: string }) =>
  api.post(`/api/v1/connections/${connection.id}/check`, {}, 200);
