import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { sendRaw } from '../../support/raw-request.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { anotherTenant, capture, ended, makeSource, post, sign } from './inbound.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
let source: { id: string; url: string };
let unique = 0;

beforeAll(async () => {
  app = await startTestApp({ config: { RELAY_INTERVAL_MS: '50' } });
  api = Api.of(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await startReceiver();
  source = await makeSource(api);
});
afterEach(async () => {
  for (const { id } of (await api.get('/api/v1/routes')).data) await api.delete(`/api/v1/routes/${id}`);
  for (const { id } of (await api.get('/api/v1/subscriptions')).data) await api.delete(`/api/v1/subscriptions/${id}`);
  await receiver.close();
});

const subscribe = (eventTypes: string[], fields: object = {}) =>
  api.post('/api/v1/subscriptions', { url: `${receiver.url}/hook`, eventTypes, ...fields }, 201);
const received = (count: number) =>
  eventually(() => {
    expect(receiver.requests).toHaveLength(count);
    return receiver.requests;
  });
const give = async (body: object | string) => {
  const text = typeof body === 'string' ? body : JSON.stringify({ n: ++unique, ...body });
  return String((await post(app, source, text)).headers['x-posthaste-event']);
};

describe('a route', () => {
  it('publishes what matches as an event type, with its fields mapped', async () => {
    await subscribe(['lead.qualified']);
    const route = await api.post(
      '/api/v1/routes',
      {
        name: 'bookings',
        sourceId: source.id,
        match: {
          eventName: 'booking_*',
          filter: { 'payload.attendees.email': { $endsWith: '@example.com' }, 'payload.price': { $gte: 100 } },
        },
        action: {
          publish: {
            eventType: 'lead.qualified',
            fields: {
              email: '/payload/attendees/0/email',
              'deal.value': '/payload/price',
              origin: { value: 'cal' },
              missing: '/nowhere',
            },
          },
        },
      },
      201,
    );
    expect(await api.get(`/api/v1/routes/${route.id}`)).toEqual(route);
    const booking = (email: string, price: number) => ({
      event: 'BOOKING_CREATED',
      payload: { price, attendees: [{ email }] },
    });
    const skipped = [
      await give(booking('ana@example.com', 99)),
      await give(booking('ana@other.example', 100)),
      await give({ ...booking('ana@example.com', 100), event: 'MEETING_ENDED' }),
      JSON.parse(
        (await capture(app, 'booking_created', { payload: { price: 500, attendees: [{ email: 'a@example.com' }] } }))
          .body,
      ).id,
    ];
    const id = await give(booking('ana@example.com', 100));
    expect((await ended(api, id, 'processed')).result).toEqual({ routes: [route.id] });
    const [request] = await received(1);
    expect(JSON.parse(request!.body)).toMatchObject({
      event: 'lead.qualified',
      data: { email: 'ana@example.com', deal: { value: 100 }, origin: 'cal' },
      metadata: { inboundEventId: id, 'x-posthaste-hops': 1 },
    });
    expect(JSON.parse(request!.body).data).not.toHaveProperty('missing');
    for (const one of skipped) expect((await ended(api, one, 'processed')).result).toEqual({});
    expect(receiver.requests).toHaveLength(1);
  });

  it('publishes the whole payload when no fields are named, of every source when none is', async () => {
    await subscribe(['anything.in']);
    await api.post('/api/v1/routes', { action: { publish: { eventType: 'anything.in' } } }, 201);
    await give({ event: 'x', a: 1 });
    await capture(app, 'some.name', { b: 2 });
    await give('plain text');
    const data = (await received(3)).map(({ body }) => JSON.parse(body).data);
    expect(data).toEqual(expect.arrayContaining([expect.objectContaining({ a: 1 }), { b: 2 }, { payload: null }]));
  });

  it('whose data does not fit the event type fails the event and says how', async () => {
    await api.post(
      '/api/v1/routes',
      { sourceId: source.id, action: { publish: { eventType: 'cliente.criado' } } },
      201,
    );
    const event = await ended(api, await give({ event: 'x' }), 'failed');
    expect(event.errorMessage).toContain('does not fit the schema of "cliente.criado"');
    expect(event.attempts).toHaveLength(1);
  });

  it.each([
    ['JSON with its blanks', Buffer.from('{"b": 1,\n "a":"ç"}'), 'application/json; charset=utf-8'],
    ['a form', Buffer.from('From=%2B55&Body=oi+ol%C3%A1'), 'application/x-www-form-urlencoded'],
    ['bytes', Buffer.from([0, 255, 1, 2, 128]), 'application/octet-stream'],
  ])('forwards %s as it came, with chosen headers, signed', async (_what, bytes, contentType) => {
    const subscription = await subscribe(['never.published']);
    await api.post(
      '/api/v1/routes',
      {
        sourceId: source.id,
        action: { forward: { subscriptionId: subscription.id, headers: ['X-Github-Event', 'X-Absent'] } },
      },
      201,
    );
    const answer = await sendRaw(app.url + new URL(source.url).pathname, {
      body: bytes,
      headers: [
        ['Content-Type', contentType],
        ['X-Webhook-Signature', sign(bytes)],
        ['X-GitHub-Event', 'push'],
        ['X-Other', 'not chosen'],
      ],
    });
    expect(answer.status).toBe(200);
    const [request] = await received(1);
    expect(request!.rawBody).toEqual(bytes);
    expect(request!.headers).toMatchObject({
      'content-type': contentType,
      'x-github-event': 'push',
      'x-posthaste-hops': '1',
    });
    expect(request!.headers).not.toHaveProperty('x-other');
    const { secret } = subscription;
    expect(request!.headers['x-webhook-signature']).toBe(createHmac('sha256', secret).update(bytes).digest('hex'));
    const text = request!.rawBody.toString('utf8');
    if (Buffer.from(text).equals(bytes) && text.startsWith('{'))
      expect(new Webhook(secret).verify(text, request!.headers as Record<string, string>)).toEqual(JSON.parse(text));
    const deliveries = (await api.get(`/api/v1/subscriptions/${subscription.id}/deliveries`)).data;
    expect(deliveries).toHaveLength(1);
    await api.get(`/api/v1/events/${deliveries[0].eventId}`);
  });

  it('can be changed, switched off and deleted', async () => {
    await subscribe(['routed.one', 'routed.two']);
    const route = await api.post(
      '/api/v1/routes',
      { sourceId: source.id, action: { publish: { eventType: 'routed.one' } } },
      201,
    );
    await ended(api, await give({ event: 'x' }), 'processed');
    await api.patch(`/api/v1/routes/${route.id}`, { action: { publish: { eventType: 'routed.two' } } });
    await ended(api, await give({ event: 'x' }), 'processed');
    await api.patch(`/api/v1/routes/${route.id}`, { enabled: false });
    await ended(api, await give({ event: 'x' }), 'processed');
    await api.delete(`/api/v1/routes/${route.id}`);
    await api.get(`/api/v1/routes/${route.id}`, 404);
    const types = (await received(2)).map(({ body }) => JSON.parse(body).event);
    expect(types.sort()).toEqual(['routed.one', 'routed.two']);
  });

  const publish = { publish: { eventType: 'a.b' } };
  it.each([
    [{ action: {} }, '/action'],
    [{ action: { ...publish, forward: { subscriptionId: '01a208ad-81aa-79ff-a137-7dea4536b8b7' } } }, '/action'],
    [{ action: { publish: { eventType: 'a b' } } }, '/action/publish/eventType'],
    [{ action: { publish: { eventType: 'a.b', fields: { email: 'no pointer' } } } }, '/action/publish/fields/email'],
    [
      { action: { forward: { subscriptionId: '01a208ad-81aa-79ff-a137-7dea4536b8b7' } } },
      '/action/forward/subscriptionId',
    ],
    [{ action: publish, sourceId: '01a208ad-81aa-79ff-a137-7dea4536b8b7' }, '/sourceId'],
    [{ action: publish, match: { eventName: 'a*b' } }, '/match/eventName'],
    [{ action: publish, match: { filter: { a: { $where: 'x' } } } }, '/match/filter/a/$where'],
    [{ action: publish, match: { filter: { $or: {} } } }, '/match/filter/$or'],
  ])('%j is refused with a pointer to %s', async (input, pointer) => {
    expect((await api.post('/api/v1/routes', input, 422)).errors[0].pointer).toBe(pointer);
  });

  it("neither sees nor uses another tenant's", async () => {
    const route = await api.post('/api/v1/routes', { sourceId: source.id, action: publish }, 201);
    const subscription = await subscribe(['x.y']);
    const other = await anotherTenant(app, 'other-routes');
    await other.api.get(`/api/v1/routes/${route.id}`, 404);
    await other.api.patch(`/api/v1/routes/${route.id}`, { enabled: false }, 404);
    await other.api.delete(`/api/v1/routes/${route.id}`, 404);
    expect((await other.api.get('/api/v1/routes')).data).toEqual([]);
    await other.api.post('/api/v1/routes', { sourceId: source.id, action: publish }, 422);
    await other.api.post('/api/v1/routes', { action: { forward: { subscriptionId: subscription.id } } }, 422);
  });
});

describe('a loop', () => {
  it('through a workflow that passes the header on is stopped, and said', async () => {
    await api.post(
      '/api/v1/routes',
      { match: { eventName: 'loop.in' }, action: { publish: { eventType: 'loop.out' } } },
      201,
    );
    await subscribe(['loop.out']);
    // The workflow: whatever it gets it sends back.
    receiver.respondWith(async (request) => {
      const hops = String(request.headers['x-posthaste-hops']);
      await capture(app, 'loop.in', { again: true }, { 'X-Posthaste-Hops': hops });
      return 200;
    });
    await capture(app, 'loop.in', { first: true });
    const stopped = await eventually(async () => {
      const { data } = await api.get('/api/v1/inbound-events?eventName=loop.in&status=ignored');
      expect(data).toHaveLength(1);
      return data[0];
    });
    expect(stopped).toMatchObject({
      hops: 6,
      errorMessage: expect.stringContaining('came back through a workflow 6 times'),
    });
    expect(receiver.requests.map((request) => request.headers['x-posthaste-hops'])).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
    ]);
    await eventually(async () =>
      expect((await api.get('/api/v1/inbound-events?eventName=loop.in&status=processed')).data).toHaveLength(6),
    );
  });

  it('is recognised by what is left of an envelope too', async () => {
    const at = async (body: object) => (await api.get(`/api/v1/inbound-events/${await give(body)}`)).hops;
    expect(await at({ event: 'x', metadata: { 'x-posthaste-hops': 4 } })).toBe(4);
    expect(await at({ event: 'x', 'x-posthaste-hops': '3' })).toBe(3);
    expect(await at({ event: 'x', metadata: { 'x-posthaste-hops': -1 } })).toBe(0);
  });
});
