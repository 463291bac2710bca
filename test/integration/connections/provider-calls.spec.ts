import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CalcomClient } from '../../../src/connections/calcom-client.js';
import type { ChatwootClient } from '../../../src/connections/chatwoot-client.js';
import type { ProviderError } from '../../../src/connections/provider-error.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { CalcomServer } from '../../support/providers/calcom.js';
import { ChatwootServer } from '../../support/providers/chatwoot.js';
import { check, clientsOf, connectCalcom, connectChatwoot, register } from './connections.js';

let app: TestApp;
let api: Api;
let calcom: CalcomServer;
let chatwoot: ChatwootServer;
let calendar: CalcomClient;
let chat: ChatwootClient;
let connection: { id: string };

beforeAll(async () => {
  [app, calcom, chatwoot] = await Promise.all([
    startTestApp({ config: { CONNECTION_TIMEOUT_MS: '300' } }),
    CalcomServer.start(),
    ChatwootServer.start(),
  ]);
  api = Api.of(app);
  await connectCalcom(api, calcom);
  connection = await connectChatwoot(api, chatwoot);
});
afterAll(() => Promise.all([app.close(), calcom.close(), chatwoot.close()]));

/** Clients that have not been told to rest by the test before. */
afterEach(async () => {
  calcom.heal();
  chatwoot.heal();
  for (const { id } of (await api.get('/api/v1/connections')).data)
    await api.patch(`/api/v1/connections/${id}`, { name: 'again' });
  await renew();
});
async function renew() {
  calendar = (await clientsOf(app).calcom(app.tenant.id)) as CalcomClient;
  chat = (await clientsOf(app).chatwoot(app.tenant.id)) as ChatwootClient;
  calcom.requests.length = 0;
  chatwoot.requests.length = 0;
}
beforeAll(renew);

const failureOf = (call: Promise<unknown>): Promise<ProviderError> =>
  call.then(
    () => Promise.reject(new Error('it succeeded')),
    (error) => error,
  );

describe('a call to a provider', () => {
  it('waits as long as a 429 asks for, then succeeds', async () => {
    calcom.failNext({ status: 429, headers: { 'retry-after': '1' } });
    expect(await calendar.getMe()).toMatchObject({ username: 'lia' });
    expect(calcom.requests).toHaveLength(2);
  });

  it('does not wait longer than a caller can: it says when the provider wants to be asked again, and does not ask before', async () => {
    calcom.failNext({ status: 429, headers: { 'x-ratelimit-reset': '120' } });
    const first = await failureOf(calendar.getMe());
    expect(first).toMatchObject({ failure: 'rate_limited', retryAfterMs: 120_000, isPassing: true });
    const second = await failureOf(calendar.listWebhooks());
    expect(second.message).toMatch(/^Cal\.com did not list its webhooks: it wants no further request for \d+ s\.$/);
    expect(calcom.requests).toHaveLength(1);
  });

  it('is made again after 5xx, a cut connection and a time-out, when doing it twice does no harm', async () => {
    calcom.failNext(503);
    calcom.failNext({ reset: true });
    calcom.failNext({ hang: true });
    expect(await calendar.getMe()).toMatchObject({ username: 'lia' });
    expect(calcom.requests).toHaveLength(4);
  });

  it('that keeps failing is told in words after four tries', async () => {
    calcom.failNext({ status: 502, body: { message: 'upstream is away' } }, { times: 4 });
    const error = await failureOf(calendar.getMe());
    expect(error).toMatchObject({ failure: 'unavailable', status: 502, isPassing: true });
    expect(error.message).toBe(
      'Cal.com did not say whose API key it is: it failed itself. It says: "upstream is away" (502)',
    );
    expect(calcom.requests).toHaveLength(4);
  });

  it('that may have sent a message is not made again, but one that was turned away is', async () => {
    const contact = chatwoot.addContact({ name: 'Ana' });
    const { id } = chatwoot.addConversation(contact.id);
    chatwoot.failNext(500, { on: /messages$/ });
    expect(await failureOf(chat.sendMessage(id, { content: 'Oi' }))).toMatchObject({ failure: 'unavailable' });
    chatwoot.failNext({ hang: true }, { on: /messages$/ });
    expect((await failureOf(chat.sendMessage(id, { content: 'Oi' }))).message).toBe(
      'Chatwoot did not send the message: it did not answer within 0.3 s.',
    );
    expect(chatwoot.requestsTo(/messages$/)).toHaveLength(2);
    chatwoot.failNext({ status: 429, headers: { 'retry-after': '0' } }, { on: /messages$/ });
    await chat.sendMessage(id, { content: 'Oi' });
    expect(chatwoot.conversations.at(-1)?.messages).toHaveLength(1);
  });

  it('is not answered by a page or a redirect: the base URL is asked about', async () => {
    calcom.failNext({ status: 200, body: '<html>Sign in</html>' });
    expect((await failureOf(calendar.getMe())).message).toContain('Is the base URL the one of this Cal.com?');
    calcom.failNext({ status: 301, headers: { location: 'https://elsewhere.example' } });
    expect(await failureOf(calendar.getMe())).toMatchObject({ failure: 'not_this_api', status: 301 });
    expect(calcom.requests).toHaveLength(2);
  });

  it('repeats no secret that the provider repeats', async () => {
    calcom.failNext({ status: 401, body: { error: { message: `the key ${calcom.apiKey} is unknown` } } });
    const { message } = await failureOf(calendar.getMe());
    expect(message).toContain('the key [redacted] is unknown');
  });

  it('never takes an id for a part of the path', async () => {
    expect(await calendar.getBooking('../me')).toBeNull();
    expect(calcom.requests.at(-1)?.path).toBe('/v2/bookings/..%2Fme');
    expect(await failureOf(calendar.cancelBooking('..'))).toMatchObject({ failure: 'invalid' });
  });

  it('goes to no address that deliveries may not go to, not even over a connection that was made when it might', async () => {
    const strict = await startTestApp({ database: app.database, config: { ALLOW_PRIVATE_TARGETS: '10.0.0.0/8' } });
    try {
      const { abilities } = await check(Api.of(strict), connection);
      expect(abilities).toMatchObject([
        { name: 'credentials', ok: false, message: expect.stringContaining('127.0.0.1 is not a public address') },
      ]);
      expect(chatwoot.requests).toEqual([]);
      const body = { provider: 'calcom', name: 'x', baseUrl: calcom.url, credentials: { apiKey: 'x' } };
      expect(await Api.of(strict).post('/api/v1/connections', body, 422)).toMatchObject({ code: 'target_not_allowed' });
    } finally {
      await strict.close();
    }
  });
});

describe('registering webhooks', () => {
  it('that fails at the provider is told in its words, and leads to one webhook and one source when it is done again', async () => {
    chatwoot.role = 'agent';
    const refused = await register(api, connection, {}, 502);
    expect(refused).toMatchObject({ code: 'provider_failed' });
    expect(refused.detail).toBe(
      'Chatwoot did not list its webhooks: the credentials lack a permission: the access token of an administrator of the account. It says: "You are not authorized to do this action" (403)',
    );
    chatwoot.role = 'administrator';
    // It was created, and the answer was lost.
    chatwoot.failNext({ reset: true }, { on: /^PATCH .*webhooks/ });
    await register(api, connection);
    await register(api, connection);
    expect(chatwoot.webhooks).toHaveLength(1);
    expect((await api.get('/api/v1/sources?provider=chatwoot')).data).toHaveLength(1);
  });

  it('twice at the same time registers one', async () => {
    const { id } = await connectCalcom(api, calcom);
    calcom.slowDown(100);
    const answers = await Promise.all(
      [1, 2, 3].map(() =>
        fetch(`${app.url}/api/v1/connections/${id}/register-webhooks`, {
          method: 'POST',
          headers: { authorization: `Bearer ${app.apiKey}`, 'content-type': 'application/json' },
          body: '{}',
        }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses.every((status) => [200, 409].includes(status))).toBe(true);
    expect(calcom.webhooks).toHaveLength(1);
    expect((await api.get('/api/v1/sources?provider=calcom')).data).toHaveLength(1);
    await api.delete(`/api/v1/connections/${id}`);
  });

  it('is undone with the connection, unless the webhook shall stay; a provider that is away does not lose it', async () => {
    const { id } = await connectCalcom(api, calcom);
    await register(api, { id });
    calcom.failNext(500, { times: 4 });
    await api.delete(`/api/v1/connections/${id}`, 502);
    expect(calcom.webhooks).toHaveLength(1);
    await api.delete(`/api/v1/connections/${id}?keepWebhook=true`);
    expect(calcom.webhooks).toHaveLength(1);
    expect((await api.get('/api/v1/sources?provider=calcom')).data).toHaveLength(1);
  });
});
