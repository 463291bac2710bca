import { createHmac } from 'node:crypto';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
beforeAll(async () => {
  app = await startTestApp();
  // The guide signs in and uses the session's token.
  const login = await request(app.url).post('/api/auth/login').send(app.owner);
  expect(login.status, JSON.stringify(login.body)).toBe(200);
  api = new Api(app.url, login.body.token);
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

describe('outbound', () => {
  it('creates a subscription with the guide’s request and answer', async () => {
    const body = {
      event_name: 'contact.created',
      target_url: 'https://your-n8n-instance.example.com/webhook/contact-created',
      enabled: true,
    };
    const created = await api.post('/api/webhooks/subscriptions', body, 201);
    expect(created).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tenant_id: app.tenant.id,
      ...body,
      created_at: expect.any(String),
      updated_at: expect.any(String),
      secret: expect.stringMatching(/^whsec_/),
    });
    const { secret: _, ...shown } = created;
    expect(await api.get(`/api/webhooks/subscriptions/${created.id}`)).toEqual(shown);
    expect(await api.get('/api/webhooks/subscriptions')).toContainEqual(shown);
    expect(await api.get(`/api/webhooks/subscriptions?target_url=${encodeURIComponent(body.target_url)}`)).toEqual([
      shown,
    ]);
    expect(await api.get('/api/webhooks/subscriptions?event_name=deal.won')).toEqual([]);
    await api.delete(`/api/webhooks/subscriptions/${created.id}`);
    await api.get(`/api/webhooks/subscriptions/${created.id}`, 404);
  });

  it('delivers the flat body with a bare hex signature, as the guide’s n8n example expects', async () => {
    const { secret } = await api.post(
      '/api/webhooks/subscriptions',
      { event_name: 'contact.created', target_url: receiver.url },
      201,
    );
    const data = { contact_id: '550e8400-e29b-41d4-a716-446655440000', email: 'john@example.com' };
    await api.post('/api/v1/events', { type: 'contact.created', data }, 202);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    const [{ body, headers }] = receiver.requests as [(typeof receiver.requests)[0]];
    expect(JSON.parse(body)).toEqual(data);
    expect(headers['x-webhook-signature']).toBe(createHmac('sha256', secret).update(body).digest('hex'));
  });

  it('refuses in its own words', async () => {
    const problem = await api.post('/api/webhooks/subscriptions', { event_name: 'x y', target_url: receiver.url }, 422);
    expect(problem.errors[0].pointer).toBe('/event_name/0');
    await api.post('/api/webhooks/subscriptions', { event_name: 'a', target_url: 'http://10.1.2.3/' }, 422);
    await api.post('/api/webhooks/subscriptions', { target_url: receiver.url }, 422);
  });

  it('pages with x-next-cursor', async () => {
    for (const n of [1, 2])
      await api.post('/api/webhooks/subscriptions', { event_name: `paged.${n}`, target_url: receiver.url }, 201);
    const list = (query: string) =>
      request(app.url).get(`/api/webhooks/subscriptions?limit=1&${query}`).auth(app.apiKey, { type: 'bearer' });
    const first = await list('');
    const second = await list(`cursor=${first.headers['x-next-cursor']}`);
    expect([first.body[0].event_name, second.body[0].event_name]).toEqual(['paged.2', 'paged.1']);
  });
});

describe('inbound', () => {
  const send = (
    headers: Record<string, string>,
    body: string | object = { email: 'lead@example.com' },
    name = 'test.event',
  ) => request(app.url).post(`/api/webhooks/${name}`).set(headers).send(body);
  const pair = () => ({ 'X-Tenant-ID': app.tenant.id, 'X-API-Key': app.apiKey });

  it('stores what a workflow sends and answers 202 in the guide’s shape', async () => {
    const payload = { email: 'lead@example.com', source: 'website_form', utm_campaign: 'summer2025' };
    const answer = await send(pair(), payload, 'test.event');
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      tenant_id: app.tenant.id,
      event_name: 'test.event',
      payload,
      status: 'received',
      received_at: expect.any(String),
    });
    expect(await api.get(`/api/v1/inbound-events/${answer.body.id}`)).toMatchObject({
      eventName: 'test.event',
      payload,
    });
    const rows = await app.database.query('select * from integration_events where id = $1', [answer.body.id]);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(app.apiKey);
  });

  it('stores the same Idempotency-Key once', async () => {
    const headers = { ...pair(), 'Idempotency-Key': 'form-42' };
    const answers = await Promise.all([send(headers), send(headers), send(headers)]);
    const accepted = answers.filter((answer) => answer.status === 202);
    expect(accepted.length).toBeGreaterThan(0);
    expect(new Set(accepted.map((answer) => answer.body.id)).size).toBe(1);
    const again = await send(headers);
    expect(again.body.id).toBe(accepted[0]!.body.id);
  });

  it('tells nothing about which half of the pair is wrong', async () => {
    const wrong = await Promise.all([
      send({ ...pair(), 'X-Tenant-ID': '01a208ad-81aa-79ff-a137-7dea4536b8b7' }),
      send({ ...pair(), 'X-API-Key': 'phk_testkey1_ffffffffffffffffffffffffffffffff' }),
    ]);
    expect(wrong.map((answer) => answer.status)).toEqual([401, 401]);
    expect(wrong[0]!.body.detail).toBe(wrong[1]!.body.detail);
    expect((await send({})).status).toBe(401);
  });

  it('refuses what is no JSON, and names that are none', async () => {
    expect((await send({ ...pair(), 'content-type': 'application/json' }, '{"a":')).status).toBe(422);
    expect((await send(pair(), {}, 'bad%20name')).status).toBe(422);
  });
});
