import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp(), startReceiver()]);
  api = Api.of(app);
});
afterAll(() => Promise.all([app.close(), receiver.close()]));
beforeEach(() => {
  receiver.requests.length = 0;
});

const subscribe = (path: string, fields: object) =>
  api.post('/api/v1/subscriptions', { url: `${receiver.url}/${path}`, ...fields }, 201);
const paths = (count: number) =>
  eventually(() => {
    expect(receiver.requests).toHaveLength(count);
    return receiver.requests.map((request) => request.path.slice(1)).sort();
  });

describe('channels', () => {
  it('narrow a subscription to events that were published to them', async () => {
    await subscribe('all', { eventTypes: ['channel.one'] });
    await subscribe('north', { eventTypes: ['channel.one'], channels: ['north', 'east'] });
    await subscribe('south', { eventTypes: ['channel.one'], channels: ['south'] });
    expect(
      (await api.post('/api/v1/events', { type: 'channel.one', data: {}, channel: 'north' }, 202)).deliveries,
    ).toBe(2);
    expect(await paths(2)).toEqual(['all', 'north']);
    expect((await api.post('/api/v1/events', { type: 'channel.one', data: {} }, 202)).deliveries).toBe(1);
    expect(await paths(3)).toEqual(['all', 'all', 'north']);
  });
});

describe('a payload filter', () => {
  it('lets only matching events through; the others leave no delivery behind', async () => {
    const filter = { stage: 'won', amount: { $gte: 100 }, 'owner.country': { $in: ['BR', 'PT'] } };
    const { id } = await subscribe('won', { eventTypes: ['filtered.deal'], filter });
    await subscribe('any', { eventTypes: ['filtered.deal'] });
    const events = [
      { stage: 'won', amount: 100, owner: { country: 'BR' } },
      { stage: 'won', amount: 99, owner: { country: 'BR' } },
      { stage: 'lost', amount: 500, owner: { country: 'BR' } },
      { stage: 'won', amount: 500 },
    ];
    const { data } = await api.post(
      '/api/v1/events/batch',
      events.map((e) => ({ type: 'filtered.deal', data: e })),
      202,
    );
    expect(data.map((entry: { deliveries: number }) => entry.deliveries)).toEqual([2, 1, 1, 1]);
    expect(await paths(5)).toEqual(['any', 'any', 'any', 'any', 'won']);
    expect((await api.get(`/api/v1/deliveries?subscriptionId=${id}`)).data).toHaveLength(1);
    await api.patch(`/api/v1/subscriptions/${id}`, { filter: null });
    expect((await api.post('/api/v1/events', { type: 'filtered.deal', data: { stage: 'lost' } }, 202)).deliveries).toBe(
      2,
    );
  });

  it('that is wrong is refused with a pointer to what is wrong', async () => {
    const problem = await api.post(
      '/api/v1/subscriptions',
      { url: receiver.url, eventTypes: ['*'], filter: { amount: { $where: '1' } } },
      422,
    );
    expect(problem.errors[0].pointer).toMatch(/^\/filter\/amount/);
  });

  it('can be tried before it is used, on data or on a sample', async () => {
    const check = (body: object) => api.post('/api/v1/subscriptions/filter-check', body, 200);
    expect(await check({ filter: { a: 1 }, data: { a: 1 } })).toEqual({ valid: true, problems: [], matches: true });
    expect(await check({ filter: { a: 1 }, data: { a: 2 } })).toMatchObject({ matches: false });
    expect(await check({ filter: { a: 1 } })).toMatchObject({ valid: true, matches: null });
    expect(await check({ filter: { email: { $exists: true } }, eventType: 'contact.created' })).toMatchObject({
      matches: true,
    });
    const bad = await check({ filter: { a: { $regex: '.*' } }, data: {} });
    expect(bad).toMatchObject({ valid: false, matches: null, problems: [{ pointer: expect.stringContaining('/a') }] });
  });
});

describe('the catalog', () => {
  it('is open by default and strict where the tenant wants it', async () => {
    await api.post('/api/v1/events', { type: 'unheard.of', data: {} }, 202);
    await api.patch('/api/v1/tenant', { settings: { strictEventTypes: true } });
    const problem = await api.post('/api/v1/events', { type: 'unheard.of', data: {} }, 422);
    expect(problem).toMatchObject({ code: 'unknown_event_type', errors: [{ pointer: '/type' }] });
    await api.post('/api/v1/event-types', { name: 'unheard.of', description: 'now heard of' }, 201);
    await api.post('/api/v1/events', { type: 'unheard.of', data: {} }, 202);
    await api.patch('/api/v1/tenant', { settings: { strictEventTypes: null } });
  });

  it('checks data against the tenant’s own schema, from the next event on when the schema changes', async () => {
    const schema = { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } };
    await api.post('/api/v1/event-types', { name: 'own.type', schema, example: { id: 1 } }, 201);
    await api.post('/api/v1/events', { type: 'own.type', data: { id: 5 } }, 202);
    const problem = await api.post('/api/v1/events', { type: 'own.type', data: { id: 'five' } }, 422);
    expect(problem).toMatchObject({ code: 'invalid_event_data', errors: [{ pointer: '/data/id' }] });
    await api.patch('/api/v1/event-types/own.type', { schema: { type: 'object' } });
    await api.post('/api/v1/events', { type: 'own.type', data: { id: 'five' } }, 202);
    await api.delete('/api/v1/event-types/own.type');
    await api.get('/api/v1/event-types/own.type', 404);
    expect(
      (await api.post('/api/v1/event-types', { name: 'bad.type', schema: { type: 'no such type' } }, 422)).errors[0]
        .pointer,
    ).toMatch(/^\/schema/);
    await api.post('/api/v1/event-types', { name: 'cliente.criado' }, 409);
  });
});
