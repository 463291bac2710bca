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
let unique = 0;

beforeAll(async () => {
  app = await startTestApp({ clock, config: { RELAY_INTERVAL_MS: '20' } });
  api = Api.of(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

/** Subscribes the receiver to a type of its own, publishes one event and gives its delivery's id. */
async function publishOne(subscription: object = {}): Promise<string> {
  const type = `retry.case${++unique}`;
  await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: [type], ...subscription }, 201);
  const { id } = await api.post('/api/v1/events', { type, data: { n: unique } }, 202);
  const { deliveries } = await api.get(`/api/v1/events/${id}`);
  return deliveries[0].id;
}

const show = (id: string) => api.get(`/api/v1/deliveries/${id}`);
const attemptsOf = (id: string, count: number) =>
  eventually(async () => {
    const delivery = await show(id);
    expect(delivery.attempts).toHaveLength(count);
    return delivery;
  });

/** Moves to just before and then to the time of the next attempt; it must come at the second and not at the first. */
async function expectNextAttemptAfter(id: string, seconds: number, attempts: number) {
  const before = await attemptsOf(id, attempts);
  const waitS = (Date.parse(before.nextAttemptAt) - clock.now().getTime()) / 1000;
  // The documented wait, lengthened by at most a tenth.
  expect(waitS).toBeGreaterThanOrEqual(seconds);
  expect(waitS).toBeLessThanOrEqual(seconds * 1.1);
  clock.advance({ seconds: waitS - 0.001 });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(receiver.requests).toHaveLength(attempts);
  clock.advance({ seconds: 0.001 });
  return attemptsOf(id, attempts + 1);
}

describe('the default schedule', () => {
  it('retries after 1 and 5 minutes with the same message id and a fresh timestamp, until the receiver says 200', async () => {
    receiver.respondWith([500, { status: 500, body: 'still broken' }, 200]);
    const id = await publishOne();
    const first = await attemptsOf(id, 1);
    expect(first).toMatchObject({
      status: 'pending',
      attempts: [{ statusCode: 500, outcome: 'retry', error: { code: 'http_500' } }],
    });
    await expectNextAttemptAfter(id, 60, 1);
    const done = await expectNextAttemptAfter(id, 300, 2);
    expect(done).toMatchObject({ status: 'succeeded', attemptCount: 3, nextAttemptAt: null });
    expect(done.attempts[1].response.body).toBe('still broken');
    const header = (name: string) => receiver.requests.map((request) => request.headers[name]);
    expect(new Set(header('webhook-id')).size).toBe(1);
    expect(new Set(header('webhook-timestamp')).size).toBe(3);
    expect(header('x-webhook-attempt')).toEqual(['1', '2', '3']);
    expect(new Set(receiver.requests.map((request) => request.body)).size).toBe(1);
  });

  it('gives up after the fifth attempt, an hour after the fourth', async () => {
    receiver.respondWith([404]);
    const id = await publishOne();
    for (const [i, seconds] of [60, 300, 900, 3600].entries()) await expectNextAttemptAfter(id, seconds, i + 1);
    const failed = await show(id);
    expect(failed).toMatchObject({ status: 'failed', attemptCount: 5, nextAttemptAt: null });
    expect(failed.completedAt).not.toBeNull();
    expect(await api.get(`/api/v1/subscriptions/${failed.subscriptionId}`)).toMatchObject({
      failedCount: 1,
      lastDeliveryStatus: 'failed',
    });
  });
});

describe("a subscription's own schedule", () => {
  it('may be a list of waits', async () => {
    receiver.respondWith([500]);
    const id = await publishOne({ retrySchedule: [0, 10] });
    expect(await expectNextAttemptAfter(id, 10, 1)).toMatchObject({ status: 'failed' });
  });

  it('may be a number of retries that wait twice as long each time', async () => {
    receiver.respondWith([500]);
    const id = await publishOne({ retryAttempts: 3, retryDelay: 60 });
    for (const [i, seconds] of [60, 120, 240].entries()) await expectNextAttemptAfter(id, seconds, i + 1);
    expect(await show(id)).toMatchObject({ status: 'failed', attemptCount: 4 });
  });

  it('must be one or the other', async () => {
    const body = { url: receiver.url, eventTypes: ['a'], retrySchedule: [0], retryAttempts: 1 };
    expect((await api.post('/api/v1/subscriptions', body, 422)).errors[0].pointer).toBe('/retrySchedule');
  });
});

describe('what counts as failed', () => {
  it.each([
    [
      'a redirect, which is not followed',
      { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
      'http_302',
      'redirect',
    ],
    ['a connection that is cut', { reset: true as const }, 'connection_reset', 'closed before an answer'],
    ['no answer within the time-out', { hang: true as const }, 'timeout_headers', 'did not answer within 1 s'],
  ])('%s', async (_, answer, code, words) => {
    receiver.respondWith([answer]);
    const id = await publishOne({ retryAttempts: 0, timeoutMs: 1000 });
    const { status, attempts } = await attemptsOf(id, 1);
    expect(status).toBe('failed');
    expect(attempts[0].error).toEqual({ code, message: expect.stringContaining(words) });
  });

  it('a port where nothing listens', async () => {
    const { port } = receiver;
    await receiver.close();
    const id = await publishOne({ url: `http://127.0.0.1:${port}/`, retryAttempts: 0 });
    receiver = await startReceiver();
    const { attempts } = await attemptsOf(id, 1);
    expect(attempts[0].error).toMatchObject({
      code: 'connection_refused',
      message: expect.stringContaining('refused'),
    });
  });

  it('a host name that does not resolve', async () => {
    const id = await publishOne({ url: 'http://no-such-host.invalid/', retryAttempts: 0 });
    const { attempts } = await attemptsOf(id, 1);
    expect(attempts[0].error).toMatchObject({ code: 'dns', message: expect.stringContaining('DNS') });
  });

  it('an answer that is never finished', async () => {
    receiver.respondWith([{ status: 200, headers: { 'content-length': '10' }, body: 'abc' }]);
    const id = await publishOne({ retryAttempts: 0, timeoutMs: 1000 });
    const { attempts } = await attemptsOf(id, 1);
    expect(attempts[0].outcome).toBe('failed');
    expect(['connection_reset', 'timeout_body']).toContain(attempts[0].error.code);
  });
});

describe('an odd answer', () => {
  it('is kept up to 16 KiB, however long it is', async () => {
    receiver.respondWith([{ status: 200, body: 'x'.repeat(300 * 1024) }]);
    const { attempts } = await attemptsOf(await publishOne(), 1);
    expect(attempts[0]).toMatchObject({ outcome: 'delivered', response: { body: 'x'.repeat(16 * 1024) } });
  });

  it('with NUL bytes and bytes that are no text is kept without them', async () => {
    receiver.respondWith([{ status: 200, body: Buffer.from([0x61, 0x00, 0xff, 0x62]) }]);
    const { attempts } = await attemptsOf(await publishOne(), 1);
    expect(attempts[0].response.body).toBe('a\ufffdb');
  });
});

describe('a person', () => {
  it('may retry a failed delivery, with the same message id', async () => {
    receiver.respondWith([500, 200]);
    const id = await publishOne({ retryAttempts: 0 });
    await attemptsOf(id, 1);
    expect(await api.post(`/api/v1/deliveries/${id}/retry`, {}, 202)).toMatchObject({ id });
    expect(await attemptsOf(id, 2)).toMatchObject({ status: 'succeeded' });
    expect(receiver.requests[0]!.headers['webhook-id']).toBe(receiver.requests[1]!.headers['webhook-id']);
    await api.post('/api/v1/deliveries/01a208ad-81aa-79ff-a137-7dea4536b8b7/retry', {}, 404);
  });

  it('may switch a subscription off and on: what is due waits meanwhile', async () => {
    receiver.respondWith([500, 200]);
    const id = await publishOne();
    const { subscriptionId } = await attemptsOf(id, 1);
    await api.patch(`/api/v1/subscriptions/${subscriptionId}`, { enabled: false });
    clock.advance({ minutes: 10 });
    await eventually(async () => expect((await show(id)).nextAttemptAt).toBeNull());
    await api.post(`/api/v1/deliveries/${id}/retry`, {}, 422);
    expect(receiver.requests).toHaveLength(1);
    await api.patch(`/api/v1/subscriptions/${subscriptionId}`, { enabled: true });
    expect(await attemptsOf(id, 2)).toMatchObject({ status: 'succeeded' });
  });

  it('may delete a subscription: its waiting deliveries are cancelled and stay to be seen', async () => {
    receiver.respondWith([500]);
    const id = await publishOne();
    const { subscriptionId } = await attemptsOf(id, 1);
    await api.delete(`/api/v1/subscriptions/${subscriptionId}`);
    expect(await show(id)).toMatchObject({ status: 'cancelled', nextAttemptAt: null });
    expect((await api.post(`/api/v1/deliveries/${id}/retry`, {}, 422)).code).toBe('delivery_not_retryable');
  });

  it('may change the URL and the secret: the next attempt uses both', async () => {
    receiver.respondWith([500, 200]);
    const id = await publishOne();
    const { subscriptionId } = await attemptsOf(id, 1);
    await api.patch(`/api/v1/subscriptions/${subscriptionId}`, { url: `${receiver.url}/moved`, bodyFormat: 'flat' });
    await expectNextAttemptAfter(id, 60, 1);
    expect(receiver.requests[1]).toMatchObject({ path: '/moved', body: expect.stringMatching(/^\{"n":\d+\}$/) });
  });

  it('may rotate the secret: both sign for the overlap, then only the new one', async () => {
    const { Webhook } = await import('standardwebhooks');
    const type = `retry.case${++unique}`;
    const { id, secret } = await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: [type] }, 201);
    const rotated = await api.post(`/api/v1/subscriptions/${id}/rotate-secret`, { overlapSeconds: 3600 }, 200);
    const verifies = (key: string, i: number) => {
      const { body, headers } = receiver.requests[i]!;
      // The library compares with the machine's time; the test's clock is elsewhere, so the time-less half is enough here.
      const wanted = new Webhook(key).sign(
        String(headers['webhook-id']),
        new Date(Number(headers['webhook-timestamp']) * 1000),
        body,
      );
      return String(headers['webhook-signature']).split(' ').includes(wanted);
    };
    await api.post('/api/v1/events', { type, data: {} }, 202);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    expect([verifies(secret, 0), verifies(rotated.secret, 0)]).toEqual([true, true]);
    clock.advance({ hours: 1 });
    await api.post('/api/v1/events', { type, data: {} }, 202);
    await eventually(() => expect(receiver.requests).toHaveLength(2));
    expect([verifies(secret, 1), verifies(rotated.secret, 1)]).toEqual([false, true]);
  });
});
