import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { ChatwootServer } from '../../support/providers/chatwoot.js';
import { OpenAiServer } from '../../support/providers/openai.js';
import { TwentyServer } from '../../support/providers/twenty.js';
import { createKey, createTenant, logIn } from '../tenants/tenancy.js';
import { check, clientsOf, connectChatwoot, connectTwenty, register } from './connections.js';

const TOKEN = 'chatwoot-token-of-these-tests';
const AI_KEY = 'sk-key-of-these-tests';
const ABSENT = '01a208ad-81aa-79ff-a137-7dea4536b8b7';

let app: TestApp;
let api: Api;
let chatwoot: ChatwootServer;
let openai: OpenAiServer;

beforeAll(async () => {
  [app, chatwoot, openai] = await Promise.all([startTestApp(), ChatwootServer.start(), OpenAiServer.start()]);
  api = Api.of(app);
});
afterAll(() => Promise.all([app.close(), chatwoot.close(), openai.close()]));

const withAi = () => ({
  credentials: { apiAccessToken: TOKEN },
  settings: {
    accountId: 1,
    inboxId: 1,
    ai: { enabled: true, kind: 'openai', url: `${openai.url}/v1`, apiKey: AI_KEY, model: 'test-model' },
  },
});

describe('a connection', () => {
  it('keeps its credentials to itself: no answer shows them, and the database holds them encrypted', async () => {
    const made = await connectChatwoot(api, chatwoot, withAi());
    expect(made).toMatchObject({
      provider: 'chatwoot',
      baseUrl: chatwoot.url,
      enabled: true,
      webhook: null,
      settings: { accountId: 1, ai: { enabled: true, apiKey: '[redacted]', model: 'test-model' } },
    });
    const shown = JSON.stringify([
      made,
      await api.get(`/api/v1/connections/${made.id}`),
      await api.get('/api/v1/connections'),
      await api.get('/api/v1/audit-log'),
      await check(api, made),
    ]);
    const [row] = await app.database.query<{ stored: string }>(
      `select to_jsonb(c) || jsonb_build_object('raw', encode(credentials, 'escape')) as stored from connections c`,
    );
    for (const secret of [TOKEN, AI_KEY]) {
      expect(shown).not.toContain(secret);
      expect(JSON.stringify(row)).not.toContain(secret);
    }
    expect(await clientsOf(app).find(app.tenant.id, 'chatwoot')).toMatchObject({
      connection: { settings: { ai: { apiKey: AI_KEY } }, credentials: { apiAccessToken: TOKEN } },
    });
    await api.delete(`/api/v1/connections/${made.id}`);
  });

  it('is changed field by field; a secret setting sent back as it is shown stays', async () => {
    const { id } = await connectChatwoot(api, chatwoot, withAi());
    const { settings } = await api.get(`/api/v1/connections/${id}`);
    await api.patch(`/api/v1/connections/${id}`, { settings: { ...settings, inboxId: 2 }, name: 'Front desk' });
    const known = await clientsOf(app).find(app.tenant.id, 'chatwoot');
    expect(known).toMatchObject({ connection: { settings: { inboxId: 2, ai: { apiKey: AI_KEY } } } });
    expect(known?.client.inboxId).toBe(2);
    await api.patch(`/api/v1/connections/${id}`, { enabled: false });
    expect(await clientsOf(app).chatwoot(app.tenant.id)).toBeNull();
    await api.delete(`/api/v1/connections/${id}`);
  });

  it('does not take its secrets to another server', async () => {
    const { id } = await connectChatwoot(api, chatwoot, withAi());
    const moved = await api.patch(`/api/v1/connections/${id}`, { baseUrl: 'https://elsewhere.example' }, 422);
    expect(moved.errors).toMatchObject([{ pointer: '/credentials' }]);
    const { settings } = await api.get(`/api/v1/connections/${id}`);
    const ai = { ...settings.ai, url: 'https://elsewhere.example/v1' };
    const aiMoved = await api.patch(`/api/v1/connections/${id}`, { settings: { ...settings, ai } }, 422);
    expect(aiMoved.errors).toMatchObject([{ pointer: '/settings/ai/apiKey' }]);
    await api.patch(`/api/v1/connections/${id}`, {
      baseUrl: 'https://elsewhere.example',
      credentials: { apiAccessToken: 'another-token' },
    });
    await api.delete(`/api/v1/connections/${id}`);
  });

  it.each([
    [{ provider: 'salesforce' }, '/provider'],
    [{ credentials: {} }, '/credentials/apiAccessToken'],
    [{ credentials: { apiAccessToken: 'x', apiKey: 'y' } }, '/credentials/apiKey'],
    [{ credentials: { apiAccessToken: 'pasted with its line break\n' } }, '/credentials/apiAccessToken'],
    [{ settings: { inboxId: 1 } }, '/settings/accountId'],
    [{ settings: { accountId: 1, inboxId: 1, colour: 'blue' } }, '/settings/colour'],
    [
      { settings: { accountId: 1, inboxId: 1, ai: { enabled: true, kind: 'oracle', url: 'https://x.example' } } },
      '/settings/ai/kind',
    ],
    [
      { settings: { accountId: 1, inboxId: 1, ai: { enabled: true, kind: 'webhook', url: 'http://10.0.0.1/' } } },
      '/settings/ai/url',
    ],
    [{ baseUrl: 'http://169.254.169.254/' }, '/baseUrl'],
    [{ baseUrl: 'http://127.0.0.1:6379' }, '/baseUrl'],
    [{ baseUrl: 'chat.example.com' }, '/baseUrl'],
    [{ baseUrl: 'https://chat.example.com/?x=' }, '/baseUrl'],
    [
      { provider: 'evolution', credentials: { apiKey: 'x' }, settings: { instance: 'a' }, baseUrl: undefined },
      '/baseUrl',
    ],
    [{ provider: 'twenty', credentials: { apiKey: 'x' }, settings: { stages: { CANCELLED: 5 } } }, '/settings/stages'],
    [{ provider: 'gmail', credentials: { refreshToken: 'x' }, settings: {} }, '/credentials'],
    [
      { provider: 'twilio', credentials: { accountSid: 'AC1', authToken: 'x' }, settings: {} },
      '/credentials/accountSid',
    ],
  ])('is refused with a pointer when it is made of %j', async (fields, pointer) => {
    const usual = {
      provider: 'chatwoot',
      name: 'x',
      baseUrl: chatwoot.url,
      credentials: { apiAccessToken: 'x' },
      settings: { accountId: 1, inboxId: 1 },
    };
    const { errors } = await api.post('/api/v1/connections', { ...usual, ...fields }, 422);
    expect(errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });

  it('is listed newest first and by provider, page by page', async () => {
    const twenty = await TwentyServer.start();
    const made = [
      await connectTwenty(api, twenty),
      await connectChatwoot(api, chatwoot),
      await connectTwenty(api, twenty),
    ];
    const ids = (page: { data: { id: string }[] }) => page.data.map(({ id }) => id);
    const first = await api.get('/api/v1/connections?limit=2');
    expect(ids(first)).toEqual([made[2]?.id, made[1]?.id]);
    expect(ids(await api.get(`/api/v1/connections?limit=2&cursor=${first.nextCursor}`))).toEqual([made[0]?.id]);
    expect(ids(await api.get('/api/v1/connections?provider=twenty'))).toEqual([made[2]?.id, made[0]?.id]);
    for (const { id } of made) await api.delete(`/api/v1/connections/${id}`);
    await twenty.close();
  });

  it('of another tenant is not found, whatever is asked of it', async () => {
    const { id } = await connectChatwoot(api, chatwoot);
    const tenant = await createTenant(app, 'theirs');
    const theirs = new Api(app.url, tenant.apiKey);
    await theirs.get(`/api/v1/connections/${id}`, 404);
    await theirs.patch(`/api/v1/connections/${id}`, { name: 'ours now' }, 404);
    await theirs.post(`/api/v1/connections/${id}/check`, {}, 404);
    await register(theirs, { id }, {}, 404);
    await theirs.delete(`/api/v1/connections/${id}`, 404);
    expect((await theirs.get('/api/v1/connections')).data).toEqual([]);
    expect(await clientsOf(app).chatwoot(tenant.id)).toBeNull();
    expect(chatwoot.webhooks).toEqual([]);
    await api.get(`/api/v1/connections/${ABSENT}`, 404);
    await api.delete(`/api/v1/connections/${id}`);
  });

  it('wants inbound:read to be read and inbound:write for all else, and each change is in the audit log', async () => {
    const session = await logIn(app, app.owner);
    const reader = new Api(app.url, (await createKey(app, session, ['inbound:read'])).key);
    const other = new Api(app.url, (await createKey(app, session, ['events:write'])).key);
    const { id } = await connectChatwoot(api, chatwoot);
    await reader.get(`/api/v1/connections/${id}`);
    await reader.patch(`/api/v1/connections/${id}`, { name: 'x' }, 403);
    await register(reader, { id }, {}, 403);
    await other.get('/api/v1/connections', 403);
    await register(api, { id });
    await api.delete(`/api/v1/connections/${id}`);
    const { data } = await api.get('/api/v1/audit-log?limit=3');
    expect(data).toMatchObject([
      { action: 'connection.deleted', target: { kind: 'connection', id } },
      { action: 'connection.webhooks_registered', target: { kind: 'connection', id } },
      { action: 'connection.created', target: { kind: 'connection', id } },
    ]);
  });
});
