import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUILT_IN_EVENT_TYPES } from '../../../src/event-types/vocabularies/catalog.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
let subscription: { id: string };

beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp(), startReceiver()]);
  api = Api.of(app);
  const body = { url: receiver.url, eventTypes: ['nothing.of.all.that'] };
  subscription = await api.post('/api/v1/subscriptions', body, 201);
});
afterAll(() => Promise.all([app.close(), receiver.close()]));

const test = (body: object, status = 200) => api.post(`/api/v1/subscriptions/${subscription.id}/test`, body, status);

it.each(BUILT_IN_EVENT_TYPES.map((type) => type.name))(
  'a test with the sample of %s arrives as it stands in the catalog',
  async (type) => {
    const delivery = await test({ eventType: type });
    expect(delivery).toMatchObject({
      status: 'succeeded',
      eventType: type,
      attempts: [{ outcome: 'delivered', statusCode: 200 }],
    });
    const request = receiver.requests.at(-1)!;
    expect(request.headers['x-webhook-event']).toBe(type);
    const sample = await api.get(`/api/v1/event-types/${type}/sample`);
    expect(JSON.parse(request.body)).toEqual({
      event: type,
      timestamp: expect.any(String),
      data: sample.data,
      ...(sample.metadata && { metadata: sample.metadata }),
    });
    expect(Object.keys(sample.data).length).toBeGreaterThan(0);
  },
);

it("a test with a tenant's own type sends its example", async () => {
  await api.post('/api/v1/event-types', { name: 'invoice.overdue', example: { invoice: 7 } }, 201);
  await test({ eventType: 'invoice.overdue' });
  expect(JSON.parse(receiver.requests.at(-1)!.body)).toMatchObject({ event: 'invoice.overdue', data: { invoice: 7 } });
});

it('a test with a type that is not in the catalog is refused', async () => {
  expect((await test({ eventType: 'no.such.type' }, 404)).detail).toContain('no.such.type');
});
