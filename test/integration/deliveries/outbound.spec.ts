import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
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
  api = Api.of(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const subscribe = (fields: object) =>
  api.post('/api/v1/subscriptions', { url: `${receiver.url}/hook`, ...fields }, 201);
const received = (count: number) =>
  eventually(() => {
    expect(receiver.requests).toHaveLength(count);
    return receiver.requests;
  });

describe('a published event', () => {
  it('reaches its subscriber as a request that the standardwebhooks library verifies', async () => {
    const { secret } = await subscribe({ eventTypes: ['one.verified'] });
    const data = { z: 1, a: 'ç', nested: { list: [1, null, 'x'] } };
    const accepted = await api.post(
      '/api/v1/events',
      { type: 'one.verified', data, metadata: { source: 'test' } },
      202,
    );
    expect(accepted).toMatchObject({
      type: 'one.verified',
      deliveries: 1,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    const [request] = await received(1);
    expect(request).toMatchObject({ method: 'POST', path: '/hook' });
    expect(new Webhook(secret).verify(request!.body, request!.headers as Record<string, string>)).toEqual({
      event: 'one.verified',
      timestamp: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/),
      data,
      metadata: { source: 'test' },
    });
    expect(() => new Webhook(secret).verify(`${request!.body} `, request!.headers as Record<string, string>)).toThrow();
    expect(request!.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'Posthaste/0.0.0-test',
      'webhook-id': expect.stringMatching(/^msg_[0-9a-f]{32}$/),
      'x-webhook-event': 'one.verified',
      'x-webhook-attempt': '1',
    });
  });

  it.each([
    ['hex', ''],
    ['sha256=', 'sha256='],
  ])('has X-Webhook-Signature over the raw body with the whole secret, as %s', async (signatureFormat, prefix) => {
    const type = `signed.${prefix ? 'prefixed' : 'bare'}`;
    const { secret } = await subscribe({ eventTypes: [type], signatureFormat });
    await api.post('/api/v1/events', { type, data: { text: 'olá' } }, 202);
    const [request] = await received(1);
    const expected = createHmac('sha256', secret).update(request!.rawBody).digest('hex');
    expect(request!.headers['x-webhook-signature']).toBe(prefix + expected);
  });

  it('is the data alone for a flat subscription, its keys in the order they came', async () => {
    await subscribe({ eventTypes: ['flat.one'], bodyFormat: 'flat' });
    await api.post('/api/v1/events', { type: 'flat.one', data: { b: 1, a: 2 } }, 202);
    expect((await received(1))[0]!.body).toBe('{"b":1,"a":2}');
  });

  it('is a structured CloudEvent where that is asked for', async () => {
    await subscribe({ eventTypes: ['cloud.one'], bodyFormat: 'cloudevents' });
    const { id } = await api.post(
      '/api/v1/events',
      { type: 'cloud.one', data: { a: 1 }, occurredAt: '2026-01-02T03:04:05Z' },
      202,
    );
    expect(JSON.parse((await received(1))[0]!.body)).toEqual({
      specversion: '1.0',
      id,
      source: 'posthaste',
      type: 'cloud.one',
      time: '2026-01-02T03:04:05.000Z',
      datacontenttype: 'application/json',
      data: { a: 1 },
    });
  });

  it('goes to exact names, prefixes and the wildcard, once each, and to nobody else', async () => {
    for (const [path, eventTypes] of Object.entries({
      exact: ['pick.made.now'],
      prefix: ['pick.*', 'pick.made.*', 'pick.made.now'],
      all: ['*'],
      other: ['pick.made', 'picked.*', 'pick.made.now.then'],
    })) {
      await api.post(
        '/api/v1/subscriptions',
        { url: `${receiver.url}/${path}`, eventTypes, externalKey: `pick-${path}` },
        201,
      );
    }
    await api.post('/api/v1/subscriptions', { url: `${receiver.url}/off`, eventTypes: ['*'], enabled: false }, 201);
    const { deliveries } = await api.post('/api/v1/events', { type: 'pick.made.now', data: {} }, 202);
    expect(deliveries).toBe(3);
    const paths = (await received(3)).map((request) => request.path).sort();
    expect(paths).toEqual(['/all', '/exact', '/prefix']);
    const { data } = await api.get('/api/v1/subscriptions?externalKey=pick-all');
    await api.delete(`/api/v1/subscriptions/${data[0].id}`);
  });

  it('without any subscriber is kept', async () => {
    const { id, deliveries } = await api.post('/api/v1/events', { type: 'nobody.listens', data: { a: 1 } }, 202);
    expect(deliveries).toBe(0);
    expect(await api.get(`/api/v1/events/${id}`)).toMatchObject({
      type: 'nobody.listens',
      data: { a: 1 },
      deliveries: [],
    });
  });
});

describe('a batch', () => {
  it('accepts what it can, in one answer that keeps the order', async () => {
    await subscribe({ eventTypes: ['batch.*'] });
    const answer = await api.post(
      '/api/v1/events/batch',
      [
        { type: 'batch.one', data: { n: 1 } },
        { type: 'not a type', data: {} },
        { type: 'cliente.criado', data: { id: 5 } },
        { type: 'batch.two', data: { n: 2 } },
        'no event at all',
      ],
      202,
    );
    expect(answer).toMatchObject({ accepted: 2, rejected: 3 });
    expect(answer.data).toMatchObject([
      { type: 'batch.one', deliveries: 1 },
      { error: { code: 'invalid_request', errors: [{ pointer: '/type' }] } },
      {
        error: {
          code: 'invalid_event_data',
          errors: expect.arrayContaining([{ pointer: '/data/id', detail: expect.any(String) }]),
        },
      },
      { type: 'batch.two' },
      { error: { code: 'invalid_request' } },
    ]);
    await received(2);
  });

  it.each([[[]], [Array.from({ length: 1001 }, () => ({ type: 'a', data: {} }))], [{ type: 'a', data: {} }]])(
    'of the wrong size or kind is refused whole',
    async (body) => {
      expect((await api.post('/api/v1/events/batch', body, 422)).detail).toContain('1 to 1000');
    },
  );
});

describe('a bad event', () => {
  it.each([
    [{ data: {} }, '/type'],
    [{ type: 'a b', data: {} }, '/type'],
    [{ type: 'a', data: [1] }, '/data'],
    [{ type: 'a' }, '/data'],
    [{ type: 'a', data: {}, metadata: 'x' }, '/metadata'],
    [{ type: 'a', data: {}, occurredAt: 'yesterday' }, '/occurredAt'],
    [{ type: 'a', data: {}, payload: {} }, '/payload'],
    [{ type: 'a', data: {}, channel: 'nul\u0000' }, '/channel'],
    [{ type: 'cliente.criado', data: { nome: 'João' } }, '/data/id'],
  ])('%j is refused with a pointer to %s', async (body, pointer) => {
    const problem = await api.post('/api/v1/events', body, 422);
    expect(problem.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });

  it('that is no JSON is refused as such', async () => {
    const answer = await fetch(`${app.url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${app.apiKey}`, 'content-type': 'application/json' },
      body: '{"type": "a", ',
    });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(await answer.json()).toMatchObject({ code: 'unparsable_body', status: 400, instance: '/api/v1/events' });
  });

  it('that is larger than 1 MiB is refused with 413', async () => {
    const problem = await api.post('/api/v1/events', { type: 'a', data: { text: 'x'.repeat(1024 * 1024) } }, 413);
    expect(problem.code).toBe('body_too_large');
  });
});

describe('a subscription', () => {
  it.each(['eventTypes', 'url', 'secret', 'enabled', 'retrySchedule'])(
    'is refused a null %s, with a pointer',
    async (field) => {
      const { id } = await subscribe({ eventTypes: ['null.one'] });
      const problem = await api.patch(`/api/v1/subscriptions/${id}`, { [field]: null }, 422);
      expect(problem.errors[0].pointer).toBe(`/${field}`);
    },
  );
});

describe('the record', () => {
  it('shows every attempt with what was sent and what was answered', async () => {
    receiver.respondWith([{ status: 201, headers: { 'x-partner': 'yes' }, body: 'thank you' }]);
    const { id: subscriptionId } = await subscribe({ eventTypes: ['record.kept'] });
    const event = await api.post('/api/v1/events', { type: 'record.kept', data: {} }, 202);
    const [request] = await received(1);
    const delivery = await eventually(async () => {
      const { data } = await api.get(`/api/v1/deliveries?eventId=${event.id}`);
      expect(data).toMatchObject([{ status: 'succeeded', eventType: 'record.kept', subscriptionId, attemptCount: 1 }]);
      return data[0];
    });
    const shown = await api.get(`/api/v1/deliveries/${delivery.id}`);
    expect(shown.attempts).toMatchObject([
      {
        number: 1,
        outcome: 'delivered',
        statusCode: 201,
        error: null,
        request: { headers: { 'webhook-signature': request!.headers['webhook-signature'] } },
        response: { headers: { 'x-partner': 'yes' }, body: 'thank you' },
      },
    ]);
    expect(await api.get(`/api/v1/subscriptions/${subscriptionId}`)).toMatchObject({
      successCount: 1,
      failedCount: 0,
      lastDeliveryStatus: 'success',
    });
  });

  it('lists deliveries by every filter, newest first and page by page', async () => {
    const { id: subscriptionId } = await subscribe({ eventTypes: ['page.*'] });
    for (const n of [1, 2, 3])
      await api.post('/api/v1/events', { type: `page.${n % 2 ? 'odd' : 'even'}`, data: { n } }, 202);
    await received(3);
    const ids = async (query: string) => {
      const { data, nextCursor } = await api.get(`/api/v1/deliveries?subscriptionId=${subscriptionId}&${query}`);
      return { ids: data.map((d: { id: string }) => d.id), nextCursor };
    };
    await eventually(async () => expect((await ids('status=succeeded')).ids).toHaveLength(3));
    const all = (await ids('')).ids;
    expect(all).toEqual([...all].sort().reverse());
    const first = await ids('limit=2');
    expect(first.ids).toEqual(all.slice(0, 2));
    const second = await ids(`limit=2&cursor=${first.nextCursor}`);
    expect(second).toEqual({ ids: all.slice(2), nextCursor: null });
    expect((await ids('eventType=page.even')).ids).toEqual([all[1]]);
    expect((await ids('eventType=page.odd&limit=1')).ids).toEqual([all[0]]);
    expect((await ids('status=failed')).ids).toEqual([]);
    expect((await ids(`since=${new Date(Date.now() + 60_000).toISOString()}`)).ids).toEqual([]);
    expect((await api.get(`/api/v1/subscriptions/${subscriptionId}/deliveries?limit=1`)).data).toHaveLength(1);
    await api.get('/api/v1/deliveries?cursor=nonsense', 422);
    await api.get('/api/v1/deliveries?limit=0', 422);
  });
});
