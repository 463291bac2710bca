import { createHmac } from 'node:crypto';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
beforeAll(async () => {
  app = await startTestApp();
  api = Api.of(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const create = async (fields: object = {}) => {
  const body = {
    name: 'My CRM Webhook',
    url: `${receiver.url}/flowkick`,
    events: ['user.created', 'booking.created'],
    ...fields,
  };
  return (await api.post('/api/admin/webhooks', body, 201)).webhook;
};

it('creates a webhook with the guide’s request and defaults, and shows the secret once', async () => {
  const answer = await api.post(
    '/api/admin/webhooks',
    {
      name: 'My CRM Webhook',
      url: 'https://your-crm.example.com/webhooks/flowkick',
      events: ['user.created', 'user.updated', 'booking.created'],
      description: 'Sync users and bookings to our CRM',
      retryAttempts: 3,
      retryDelay: 60,
      timeoutMs: 10000,
    },
    201,
  );
  expect(answer).toMatchObject({
    success: true,
    webhook: {
      name: 'My CRM Webhook',
      secret: expect.stringMatching(/^whsec_/),
      events: ['user.created', 'user.updated', 'booking.created'],
      active: true,
      createdAt: expect.stringMatching(/Z$/),
      retryAttempts: 3,
      retryDelay: 60,
      timeoutMs: 10000,
    },
  });
  const list = await api.get('/api/admin/webhooks');
  expect(list.success).toBe(true);
  expect(list.webhooks[0]).toMatchObject({
    successCount: 0,
    failedCount: 0,
    lastDeliveryStatus: null,
    lastDeliveryAt: null,
  });
  expect(JSON.stringify(list)).not.toContain('whsec_');
});

it('delivers the envelope with a bare hex signature over the raw body', async () => {
  const { secret, id } = await create();
  const data = { user: { id: 'u1', email: 'john@example.com' } };
  const problem = await api.post('/api/v1/events', { type: 'user.created', data }, 422);
  expect(problem.code).toBe('invalid_event_data');
  const { data: sample } = await api.get('/api/v1/event-types/user.created/sample');
  await api.post(
    '/api/v1/events',
    { type: 'user.created', data: sample, metadata: { source: 'manychat_sync', action: 'created' } },
    202,
  );
  await eventually(() => expect(receiver.requests).toHaveLength(1));
  const [{ headers, body }] = receiver.requests as [(typeof receiver.requests)[0]];
  expect(headers['x-webhook-signature']).toBe(createHmac('sha256', secret).update(body).digest('hex'));
  expect(JSON.parse(body)).toMatchObject({
    event: 'user.created',
    data: { user: { manychatId: '1234567890' } },
    metadata: { source: 'manychat_sync', action: 'created' },
  });
  await eventually(async () => {
    const { webhook } = await api.get(`/api/admin/webhooks/${id}`);
    expect(webhook).toMatchObject({ successCount: 1, lastDeliveryStatus: 'success' });
    expect(webhook.deliveries).toMatchObject([
      { event: 'user.created', status: 'success', httpStatus: 200, errorMessage: null },
    ]);
    expect(webhook.deliveries[0].durationMs).toBeGreaterThanOrEqual(0);
  });
});

it('tests an endpoint and tells what it answered, good or bad', async () => {
  const { id } = await create();
  receiver.respondWith([
    { status: 200, body: 'fine' },
    { status: 503, body: 'busy' },
  ]);
  const good = await api.post(`/api/admin/webhooks/${id}/test`, {}, 200);
  expect(good).toMatchObject({ success: true, delivery: { status: 'success', httpStatus: 200, responseBody: 'fine' } });
  const bad = await api.post(`/api/admin/webhooks/${id}/test`, {}, 200);
  expect(bad).toMatchObject({
    success: false,
    delivery: { status: 'failed', httpStatus: 503, responseBody: 'busy', errorMessage: expect.stringContaining('503') },
  });
  expect(receiver.requests).toHaveLength(2);
});

it('shows the last 50 deliveries', async () => {
  const { id } = await create({ events: ['fifty.one'] });
  const events = Array.from({ length: 55 }, (_, n) => ({ type: 'fifty.one', data: { n } }));
  await api.post('/api/v1/events/batch', events, 202);
  await eventually(() => expect(receiver.requests).toHaveLength(55));
  const { webhook } = await api.get(`/api/admin/webhooks/${id}`);
  expect(webhook.deliveries).toHaveLength(50);
});

it('changes, switches off and deletes', async () => {
  const { id } = await create();
  const changed = await api.patch(`/api/admin/webhooks/${id}`, {
    active: false,
    events: ['qr.scanned'],
    retryDelay: 30,
  });
  expect(changed.webhook).toMatchObject({ active: false, events: ['qr.scanned'], retryAttempts: 3, retryDelay: 30 });
  expect(await api.delete(`/api/admin/webhooks/${id}`, 200)).toEqual({ success: true });
  expect((await api.get(`/api/admin/webhooks/${id}`, 404)).code).toBe('not_found');
});

it.each([
  [{ events: [] }, '/events'],
  [{ events: ['user.created', 'no spaces'] }, '/events/1'],
  [{ url: 'http://10.0.0.1/' }, '/url'],
  [{ timeoutMs: 5 }, '/timeoutMs'],
  [{ colour: 'red' }, '/colour'],
])('refuses %j with a pointer in its own words', async (fields, pointer) => {
  const body = { name: 'x', url: receiver.url, events: ['user.created'], ...fields };
  expect((await api.post('/api/admin/webhooks', body, 422)).errors[0].pointer).toBe(pointer);
});

it('takes X-Admin-ID for what it is: a name, not a credential', async () => {
  const me = await api.get('/api/auth/me');
  const list = (headers: Record<string, string>) => request(app.url).get('/api/admin/webhooks').set(headers);
  const alone = await list({ 'X-Admin-ID': me.id });
  expect(alone.status).toBe(401);
  expect(alone.body.detail).toContain('X-Admin-ID');
  expect((await list({ 'X-Admin-ID': me.id, 'X-API-Key': app.apiKey })).status).toBe(200);
  expect((await list({ 'X-Admin-ID': 'somebody-else', 'X-API-Key': app.apiKey })).status).toBe(401);
});
