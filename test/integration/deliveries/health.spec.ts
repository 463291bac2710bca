import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { TestClock } from '../../support/test-clock.js';

const clock = new TestClock();
let app: TestApp;
let api: Api;
let receiver: Receiver;
let meta: Receiver;
let unique = 0;

beforeAll(async () => {
  app = await startTestApp({ clock, config: { RELAY_INTERVAL_MS: '20' } });
  api = Api.of(app);
  meta = await startReceiver();
  await api.post('/api/v1/subscriptions', { url: meta.url, eventTypes: ['subscription.*', 'delivery.exhausted'] }, 201);
});
afterAll(() => Promise.all([app.close(), meta.close()]));
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

async function subscribe(fields: object = {}): Promise<{ id: string; type: string }> {
  const type = `health.case${++unique}`;
  const { id } = await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: [type], ...fields }, 201);
  return { id, type };
}
const publish = async (type: string, count = 1): Promise<string[]> => {
  const events = Array.from({ length: count }, (_, n) => ({ type, data: { n } }));
  const { data } = await api.post('/api/v1/events/batch', events, 202);
  return data.map((event: { id: string }) => event.id);
};
const health = async (id: string) => (await api.get(`/api/v1/subscriptions/${id}`)).health;
const counts = async (id: string) => {
  const { data } = await api.get(`/api/v1/deliveries?subscriptionId=${id}&limit=200`);
  const result: Record<string, number> = {};
  for (const { status } of data) result[status] = (result[status] ?? 0) + 1;
  return result;
};
const deliveryOf = async (eventId: string) => {
  const { deliveries } = await api.get(`/api/v1/events/${eventId}`);
  return api.get(`/api/v1/deliveries/${deliveries[0].id}`);
};
const told = (type: string, subscriptionId: string) =>
  eventually(() => {
    const bodies = meta.requests.map((request) => JSON.parse(request.body));
    const found = bodies.find((body) => body.event === type && body.data.subscriptionId === subscriptionId);
    expect(found, `${type} for ${subscriptionId}`).toBeDefined();
    return found.data;
  });

describe('answers', () => {
  it('410 disables the subscription, keeps the reason and tells the tenant', async () => {
    receiver.respondWith([410]);
    const { id, type } = await subscribe();
    const [eventId] = await publish(type);
    const view = await eventually(async () => {
      const shown = await api.get(`/api/v1/subscriptions/${id}`);
      expect(shown.enabled).toBe(false);
      return shown;
    });
    expect(view).toMatchObject({ disabledReason: expect.stringContaining('410'), health: { state: 'disabled' } });
    expect(await deliveryOf(eventId!)).toMatchObject({ status: 'failed', attempts: [{ statusCode: 410 }] });
    expect(await told('subscription.disabled', id)).toMatchObject({
      reason: view.disabledReason,
      httpStatus: 410,
      url: receiver.url,
    });
    expect((await api.post('/api/v1/events', { type, data: {} }, 202)).deliveries).toBe(0);
  });

  it('413 fails at once and is not held against the endpoint', async () => {
    receiver.respondWith([413]);
    const { id, type } = await subscribe();
    const [eventId] = await publish(type);
    await eventually(async () =>
      expect(await deliveryOf(eventId!)).toMatchObject({ status: 'failed', attemptCount: 1 }),
    );
    expect(await health(id)).toMatchObject({ state: 'well', consecutiveFailures: 0 });
    expect(await told('delivery.exhausted', id)).toMatchObject({
      eventId,
      eventType: type,
      attempts: 1,
      httpStatus: 413,
    });
  });

  it.each([
    ['seconds', () => '120'],
    ['a date', () => new Date(clock.now().getTime() + 120_000).toUTCString()],
  ])(
    '429 with Retry-After as %s leaves the endpoint alone for that long, the other deliveries too',
    async (_, value) => {
      receiver.respondWith([{ status: 429, headers: { 'retry-after': value() } }, 200]);
      const { id, type } = await subscribe();
      const [first] = await publish(type);
      await eventually(async () =>
        expect(await health(id)).toMatchObject({ state: 'paused', reason: expect.stringContaining('429') }),
      );
      const delivery = await deliveryOf(first!);
      const waitS = (Date.parse(delivery.nextAttemptAt) - clock.now().getTime()) / 1000;
      expect(waitS).toBeGreaterThan(118);
      expect(waitS).toBeLessThan(135);
      const [second] = await publish(type);
      await eventually(async () =>
        expect(Date.parse((await deliveryOf(second!)).nextAttemptAt) - clock.now().getTime()).toBeGreaterThan(
          60_000 + 1,
        ),
      );
      expect(receiver.requests).toHaveLength(1);
      clock.advance({ seconds: 140 });
      await eventually(async () => expect(await counts(id)).toEqual({ succeeded: 2 }));
      expect((await deliveryOf(second!)).attemptCount).toBe(1);
    },
  );

  it('webhook-delivery: disable switches off, abort gives up this delivery only', async () => {
    receiver.respondWith([
      { status: 500, headers: { 'webhook-delivery': 'abort' } },
      { status: 200, headers: { 'webhook-delivery': 'disable' } },
    ]);
    const { id, type } = await subscribe();
    const [aborted] = await publish(type);
    await eventually(async () =>
      expect(await deliveryOf(aborted!)).toMatchObject({ status: 'failed', attemptCount: 1 }),
    );
    const [last] = await publish(type);
    await eventually(async () =>
      expect(await health(id)).toMatchObject({
        state: 'disabled',
        reason: expect.stringContaining('webhook-delivery'),
      }),
    );
    expect((await deliveryOf(last!)).status).toBe('succeeded');
  });
});

describe('an n8n workflow that is not active', () => {
  const inactive = {
    status: 404,
    body: JSON.stringify({
      code: 404,
      message: 'The requested webhook "POST contact-created" is not registered.',
      hint: 'The workflow must be active',
    }),
  };

  it('is held: events are kept, it is probed slowly, no attempt is used up, and it resumes by itself', async () => {
    receiver.respondWith([inactive]);
    const { id, type } = await subscribe({ maxInFlight: 1 });
    await publish(type);
    await eventually(async () =>
      expect(await health(id)).toMatchObject({ state: 'held', reason: expect.stringContaining('n8n') }),
    );
    expect(await told('subscription.held', id)).toMatchObject({
      httpStatus: 404,
      reason: expect.stringContaining('inactive'),
    });
    const others = await publish(type, 5);
    // Hours of it: far longer than the schedule would last.
    for (let probes = 2; probes <= 12; probes++) {
      // Known to be put off before the clock moves: or the answer would be judged at the later time.
      await eventually(async () =>
        expect(Date.parse((await health(id)).nextTryAt)).toBeGreaterThan(clock.now().getTime() + 40_000),
      );
      clock.advance({ minutes: 11 });
      await eventually(() => expect(receiver.requests.length).toBeGreaterThanOrEqual(probes));
    }
    expect(receiver.requests.length).toBeLessThan(20);
    expect(await counts(id)).toEqual({ pending: 6 });
    expect((await deliveryOf(others[0]!)).attemptCount).toBe(0);
    receiver.respondWith([200]);
    await eventually(async () => {
      clock.advance({ seconds: 30 });
      expect(await counts(id)).toEqual({ succeeded: 6 });
    });
    expect(await health(id)).toMatchObject({ state: 'well', reason: null });
    await told('subscription.resumed', id);
    const attempts = (await deliveryOf(others[0]!)).attempts;
    expect(attempts.at(-1)).toMatchObject({ outcome: 'delivered' });
  });

  it('is known by its path at Activepieces', async () => {
    receiver.respondWith([404]);
    const { id, type } = await subscribe({ url: `${receiver.url}/api/v1/webhooks/AbCdEfGhIjKlMnOpQrStU` });
    await publish(type);
    await eventually(async () =>
      expect(await health(id)).toMatchObject({ state: 'held', reason: expect.stringContaining('Activepieces') }),
    );
  });

  it('may be resumed by a person who does not want to wait', async () => {
    receiver.respondWith([inactive, 200]);
    const { id, type } = await subscribe();
    await publish(type);
    await eventually(async () => expect(await health(id)).toMatchObject({ state: 'held' }));
    expect((await api.post(`/api/v1/subscriptions/${id}/resume`, {}, 200)).health.state).toBe('well');
    await eventually(async () => expect(await counts(id)).toEqual({ succeeded: 1 }));
  });

  it('is not any 404: that is a failure like others', async () => {
    receiver.respondWith([{ status: 404, body: 'Not Found' }]);
    const { id, type } = await subscribe({ retryAttempts: 0 });
    await publish(type);
    await eventually(async () => expect(await counts(id)).toEqual({ failed: 1 }));
    await eventually(async () => expect(await health(id)).toMatchObject({ state: 'well', consecutiveFailures: 1 }));
  });
});

describe('an endpoint that fails', () => {
  it('is left alone after ten failures in a row, probed by one request, and its deliveries keep their attempts', async () => {
    receiver.respondWith([500]);
    const { id, type } = await subscribe({ maxInFlight: 1, retrySchedule: [0, 86_400] });
    await publish(type, 10);
    await eventually(async () =>
      expect(await health(id)).toMatchObject({
        state: 'paused',
        consecutiveFailures: 10,
        reason: expect.stringContaining('500'),
      }),
    );
    const later = await publish(type, 5);
    await eventually(async () =>
      expect(Date.parse((await deliveryOf(later[4]!)).nextAttemptAt) - clock.now().getTime()).toBeLessThan(33_000),
    );
    expect(receiver.requests).toHaveLength(10);
    clock.advance({ seconds: 33 });
    await eventually(async () => expect(await health(id)).toMatchObject({ consecutiveFailures: 11 }));
    expect(receiver.requests).toHaveLength(11);
    receiver.respondWith([200]);
    await eventually(async () => {
      clock.advance({ seconds: 20 });
      expect((await counts(id)).succeeded).toBeGreaterThanOrEqual(4);
    });
    expect(await health(id)).toMatchObject({ state: 'well', consecutiveFailures: 0 });
  });

  it('starts clean with another URL', async () => {
    receiver.respondWith([500]);
    const { id, type } = await subscribe({ maxInFlight: 1 });
    await publish(type, 10);
    await eventually(async () => expect(await health(id)).toMatchObject({ state: 'paused' }));
    receiver.respondWith([200]);
    await api.patch(`/api/v1/subscriptions/${id}`, { url: `${receiver.url}/new` });
    expect(await health(id)).toMatchObject({ state: 'well', consecutiveFailures: 0 });
    const [next] = await publish(type);
    await eventually(async () => expect((await deliveryOf(next!)).status).toBe('succeeded'));
  });

  it('is switched off after five days without any success and twenty attempts, and not before', async () => {
    receiver.respondWith([500]);
    const { id, type } = await subscribe({ maxInFlight: 1, retryAttempts: 0 });
    await publish(type, 12);
    await eventually(async () => expect(await health(id)).toMatchObject({ state: 'paused' }));
    clock.advance({ days: 4, hours: 23 });
    const failures = async () => (await health(id)).consecutiveFailures;
    for (let n = 0; n < 12 && (await failures()) < 19; n++) {
      const before = await failures();
      await publish(type);
      clock.advance({ minutes: 11 });
      await eventually(async () => expect(await failures()).toBeGreaterThan(before));
    }
    expect(await health(id)).toMatchObject({ state: 'paused' });
    await eventually(async () => {
      await publish(type);
      clock.advance({ minutes: 11 });
      expect(await health(id)).toMatchObject({
        state: 'disabled',
        reason: expect.stringContaining('No attempt succeeded since'),
      });
    }, 30_000);
    await told('subscription.disabled', id);
  });

  it('is not switched off by a burst', async () => {
    receiver.respondWith([500]);
    const { id, type } = await subscribe({ retryAttempts: 0 });
    await publish(type, 200);
    await eventually(async () => expect(await health(id)).toMatchObject({ state: 'paused' }));
    expect((await api.get(`/api/v1/subscriptions/${id}`)).enabled).toBe(true);
  });
});
