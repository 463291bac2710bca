import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { createTenant } from './tenants/tenancy.js';

let app: TestApp;
let receiver: Receiver;
let ours: Api;
let theirs: Api;
let subscription: { id: string; secret: string };
let event: { id: string };
let deliveryId: string;

beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp(), startReceiver()]);
  ours = Api.of(app);
  theirs = new Api(app.url, (await createTenant(app, 'theirs')).apiKey);
  subscription = await ours.post(
    '/api/v1/subscriptions',
    { url: receiver.url, eventTypes: ['secret.*'], externalKey: 'k' },
    201,
  );
  event = await ours.post('/api/v1/events', { type: 'secret.thing', data: { inside: 'ours' } }, 202);
  await eventually(() => expect(receiver.requests).toHaveLength(1));
  deliveryId = (await ours.get(`/api/v1/events/${event.id}`)).deliveries[0].id;
});
afterAll(() => Promise.all([app.close(), receiver.close()]));

describe('another tenant', () => {
  it('gets 404 for every row that is not its own, as for a row that does not exist', async () => {
    for (const path of [
      `/api/v1/subscriptions/${subscription.id}`,
      `/api/v1/subscriptions/${subscription.id}/deliveries`,
      `/api/v1/events/${event.id}`,
      `/api/v1/deliveries/${deliveryId}`,
      `/api/admin/webhooks/${subscription.id}`,
      `/api/webhooks/subscriptions/${subscription.id}`,
    ]) {
      const missing = path.replace(/[0-9a-f-]{36}/, '01a208ad-81aa-79ff-a137-7dea4536b8b7');
      const [foreign, absent] = [await theirs.get(path, 404), await theirs.get(missing, 404)];
      expect(foreign.detail.replace(/[0-9a-f-]{36}/, ''), path).toBe(absent.detail.replace(/[0-9a-f-]{36}/, ''));
    }
  });

  it('cannot change, delete, test, rotate or retry what is not its own', async () => {
    await theirs.patch(`/api/v1/subscriptions/${subscription.id}`, { enabled: false }, 404);
    await theirs.patch(`/api/admin/webhooks/${subscription.id}`, { active: false }, 404);
    await theirs.patch(`/api/webhooks/subscriptions/${subscription.id}`, { enabled: false }, 404);
    await theirs.delete(`/api/v1/subscriptions/${subscription.id}`, 404);
    await theirs.post(`/api/v1/subscriptions/${subscription.id}/test`, {}, 404);
    await theirs.post(`/api/v1/subscriptions/${subscription.id}/rotate-secret`, {}, 404);
    await theirs.post(`/api/v1/deliveries/${deliveryId}/retry`, {}, 404);
    expect(await ours.get(`/api/v1/subscriptions/${subscription.id}`)).toMatchObject({ enabled: true });
  });

  it('sees nothing of it in any list', async () => {
    for (const path of ['/api/v1/subscriptions', '/api/v1/events', '/api/v1/deliveries', '/api/v1/inbound-events']) {
      expect(await theirs.get(path), path).toEqual({ data: [], nextCursor: null });
    }
    expect((await theirs.get(`/api/v1/deliveries?subscriptionId=${subscription.id}`)).data).toEqual([]);
    expect((await theirs.get('/api/admin/webhooks')).webhooks).toEqual([]);
  });

  it('gets none of its events, even with the same pattern, and may use the same external key', async () => {
    const url = `${receiver.url}/theirs`;
    await theirs.post('/api/v1/subscriptions', { url, eventTypes: ['*'], externalKey: 'k' }, 201);
    await ours.post('/api/v1/events', { type: 'secret.thing', data: { inside: 'ours again' } }, 202);
    await theirs.post('/api/v1/events', { type: 'secret.thing', data: { inside: 'theirs' } }, 202);
    await eventually(() => expect(receiver.requests).toHaveLength(3));
    const bodies = receiver.requests
      .filter((request) => request.path === '/theirs')
      .map((request) => JSON.parse(request.body).data);
    expect(bodies).toEqual([{ inside: 'theirs' }]);
  });
});

describe('a signing secret', () => {
  it('is shown once and stands nowhere in the database as it is', async () => {
    expect(subscription.secret).toMatch(/^whsec_/);
    expect(JSON.stringify(await ours.get(`/api/v1/subscriptions/${subscription.id}`))).not.toContain('whsec_');
    const tables = await app.database.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    const needles = [
      subscription.secret,
      Buffer.from(subscription.secret.slice(6), 'base64').toString('hex'),
      app.apiKey,
    ];
    for (const { name } of tables) {
      const rows = await app.database.query<{ row: string }>(`select row_to_json(t)::text as row from "${name}" t`);
      for (const needle of needles)
        expect(
          rows
            .map((r) => r.row)
            .join('\n')
            .includes(needle),
          `${name} holds a secret`,
        ).toBe(false);
    }
  });
});
