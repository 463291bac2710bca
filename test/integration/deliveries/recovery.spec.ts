import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { TestClock } from '../../support/test-clock.js';
import { createTenant } from '../tenants/tenancy.js';

const UNKNOWN = '01a208ad-81aa-79ff-a137-7dea4536b8b7';
const clock = new TestClock();
let app: TestApp;
let api: Api;
let theirs: Api;
let receiver: Receiver;
let type: string;
let unique = 0;

beforeAll(async () => {
  app = await startTestApp({ clock, config: { RELAY_INTERVAL_MS: '20' } });
  api = Api.of(app);
  theirs = new Api(app.url, (await createTenant(app, 'recovery-others')).apiKey);
});
afterAll(() => app.close());
beforeEach(async () => {
  type = `recovery.case${++unique}`;
  receiver = await startReceiver();
  clock.advance({ minutes: 1 });
});
afterEach(() => receiver.close());

const subscribe = (fields: object = {}) =>
  api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: [type], retryAttempts: 0, ...fields }, 201);
const publish = (fields: object = {}) => api.post('/api/v1/events', { type, data: { n: unique }, ...fields }, 202);
const publishMany = (count: number) =>
  api.post(
    '/api/v1/events/batch',
    Array.from({ length: count }, (_, n) => ({ type, data: { n } })),
    202,
  );
const deliveriesOf = async (eventId: string) => (await api.get(`/api/v1/events/${eventId}`)).deliveries;
const received = () => receiver.requests.map((request) => request.headers['webhook-id']);

/** Publishes an event and waits until each of its deliveries has come to that end. */
async function published(status: string, fields: object = {}) {
  const { id } = await publish(fields);
  const deliveries = await eventually(async () => {
    const all = await deliveriesOf(id);
    for (const delivery of all) expect(delivery.status).toBe(status);
    return all;
  });
  return { id, deliveries } as { id: string; deliveries: { id: string; subscriptionId: string }[] };
}

/** How many deliveries there are, by status. */
async function statuses(subscriptionId: string): Promise<Record<string, number>> {
  const rows = await app.database.query<{ status: string; n: number }>(
    'select status, count(*)::int as n from deliveries where subscription_id = $1 group by 1',
    [subscriptionId],
  );
  return Object.fromEntries(rows.map((row) => [row.status, row.n]));
}

const jobEnded = (id: string) =>
  eventually(async () => {
    const job = await api.get(`/api/v1/jobs/${id}`);
    expect(['succeeded', 'failed', 'cancelled']).toContain(job.status);
    return job;
  });

describe('cancelling a delivery', () => {
  it('stops a pending one for good, and may be asked for again', async () => {
    receiver.respondWith([500]);
    await subscribe({ retryAttempts: 3 });
    const { id } = await publish();
    await eventually(async () => expect((await deliveriesOf(id))[0].attemptCount).toBe(1));
    const [delivery] = await deliveriesOf(id);
    const cancelled = await api.post(`/api/v1/deliveries/${delivery.id}/cancel`, {}, 200);
    expect(cancelled).toMatchObject({ id: delivery.id, status: 'cancelled', nextAttemptAt: null });
    expect(cancelled.completedAt).not.toBeNull();
    expect(await api.post(`/api/v1/deliveries/${delivery.id}/cancel`, {}, 200)).toEqual(cancelled);
    // Its time comes and passes, with another one sent after it.
    clock.advance({ hours: 2 });
    receiver.respondWith([200]);
    await published('succeeded');
    expect(received().filter((webhookId) => webhookId === `msg_${delivery.id.replaceAll('-', '')}`)).toHaveLength(1);
  });

  it('refuses what has ended, and what does not exist', async () => {
    await subscribe();
    const { deliveries } = await published('succeeded');
    const refusal = await api.post(`/api/v1/deliveries/${deliveries[0]!.id}/cancel`, {}, 422);
    expect(refusal).toMatchObject({ code: 'delivery_not_cancellable', detail: expect.stringContaining('succeeded') });
    await api.post(`/api/v1/deliveries/${UNKNOWN}/cancel`, {}, 404);
    await theirs.post(`/api/v1/deliveries/${deliveries[0]!.id}/cancel`, {}, 404);
  });
});

describe('replaying an event', () => {
  it('reopens the delivery it has, with the same webhook-id, and makes one for a subscription that came later', async () => {
    const first = await subscribe();
    const event = await published('succeeded');
    const second = await subscribe();
    const answer = await api.post(`/api/v1/events/${event.id}/replay`, {}, 202);
    expect(answer).toEqual({
      eventId: event.id,
      deliveries: [
        { subscriptionId: first.id, deliveryId: event.deliveries[0]!.id, action: 'reopened' },
        { subscriptionId: second.id, deliveryId: expect.any(String), action: 'created' },
      ],
    });
    await eventually(() => expect(receiver.requests).toHaveLength(3));
    const [original] = received();
    expect(received().filter((id) => id === original)).toHaveLength(2);
    expect(new Set(received()).size).toBe(2);
    await eventually(async () => expect(await statuses(second.id)).toEqual({ succeeded: 1 }));
  });

  it('goes to chosen subscriptions alone, whatever types they ask for', async () => {
    await subscribe();
    const event = await published('succeeded');
    const other = await subscribe({ eventTypes: ['something.else'], url: `${receiver.url}/chosen` });
    const { deliveries } = await api.post(`/api/v1/events/${event.id}/replay`, { subscriptionIds: [other.id] }, 202);
    expect(deliveries).toEqual([{ subscriptionId: other.id, deliveryId: expect.any(String), action: 'created' }]);
    await eventually(() => expect(receiver.requests.map((request) => request.path)).toEqual(['/', '/chosen']));
  });

  it('leaves a pending delivery to its schedule', async () => {
    receiver.respondWith([500]);
    await subscribe({ retryAttempts: 3 });
    const { id } = await publish();
    await eventually(async () => expect((await deliveriesOf(id))[0].attemptCount).toBe(1));
    const before = await deliveriesOf(id);
    const { deliveries } = await api.post(`/api/v1/events/${id}/replay`, {}, 202);
    expect(deliveries).toMatchObject([{ deliveryId: before[0].id, action: 'pending' }]);
    expect(await deliveriesOf(id)).toEqual(before);
  });

  it('asked for many times at once makes one delivery, also with the same Idempotency-Key', async () => {
    const event = await published('succeeded');
    const subscription = await subscribe();
    receiver.respondWith([{ hang: true }]);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        api.post(`/api/v1/events/${event.id}/replay`, {}, 202, i < 2 ? { 'idempotency-key': `replay-${i}` } : {}),
      ),
    );
    const ids = answers.flatMap((answer) => answer.deliveries.map((one: { deliveryId: string }) => one.deliveryId));
    expect(new Set(ids).size).toBe(1);
    expect(ids).toHaveLength(8);
    const repeated = await api.post(`/api/v1/events/${event.id}/replay`, {}, 202, { 'idempotency-key': 'replay-0' });
    expect(repeated).toEqual(answers[0]);
    expect(await statuses(subscription.id)).toEqual({ pending: 1 });
  });

  it('matches types, channels and filter as publishing does, and passes over what is disabled', async () => {
    const event = await published('succeeded', { channel: 'eu', data: { stage: 'won' } });
    const wanted = [await subscribe(), await subscribe(), await subscribe({ eventTypes: ['recovery.*'] })];
    const unwanted = [await subscribe(), await subscribe(), await subscribe({ enabled: false })];
    await subscribe({ expiresAt: new Date(clock.now().getTime() + 1000).toISOString() });
    clock.advance({ seconds: 2 });
    const set = (id: string, column: string, value: unknown) =>
      app.database.query(`update subscriptions set ${column} = $2 where id = $1`, [id, value]);
    await set(wanted[0].id, 'channels', ['eu', 'us']);
    await set(wanted[1].id, 'filter', { stage: 'won' });
    await set(unwanted[0].id, 'channels', ['us']);
    await set(unwanted[1].id, 'filter', { stage: 'lost' });
    const { deliveries } = await api.post(`/api/v1/events/${event.id}/replay`, {}, 202);
    expect(deliveries.map((one: { subscriptionId: string }) => one.subscriptionId)).toEqual(
      wanted.map((subscription) => subscription.id),
    );
    for (const { id } of wanted) await api.delete(`/api/v1/subscriptions/${id}`);
  });

  it('sends a test again to the subscription it was for, and to no other', async () => {
    const tested = await subscribe();
    const delivery = await api.post(`/api/v1/subscriptions/${tested.id}/test`, { eventType: 'contact.created' }, 200);
    const other = await subscribe({ eventTypes: ['contact.*'] });
    const { deliveries } = await api.post(`/api/v1/events/${delivery.eventId}/replay`, {}, 202);
    expect(deliveries).toEqual([{ subscriptionId: tested.id, deliveryId: delivery.id, action: 'reopened' }]);
    expect(await statuses(other.id)).toEqual({});
  });

  it('refuses events and subscriptions that are not there, or disabled, with a pointer', async () => {
    const { id: disabled } = await subscribe({ enabled: false });
    const { id: enabled } = await subscribe();
    const event = await published('succeeded');
    const replay = `/api/v1/events/${event.id}/replay`;
    await api.post(`/api/v1/events/${UNKNOWN}/replay`, {}, 404);
    await theirs.post(replay, {}, 404);
    const pointer = async (body: object, code: string) => {
      const refusal = await api.post(replay, body, 422);
      expect(refusal.code).toBe(code);
      return refusal.errors[0].pointer;
    };
    expect(await pointer({ subscriptionIds: [enabled, UNKNOWN] }, 'invalid_request')).toBe('/subscriptionIds/1');
    expect(await pointer({ subscriptionIds: [disabled] }, 'delivery_not_retryable')).toBe('/subscriptionIds/0');
    expect(await pointer({ subscriptionIds: ['x'] }, 'invalid_request')).toBe('/subscriptionIds');
    expect(await pointer({ subscriptionIds: [] }, 'invalid_request')).toBe('/subscriptionIds');
    expect(await deliveriesOf(event.id)).toHaveLength(1);
  });
});

describe('recovering a subscription', () => {
  const recover = (id: string, body: object, status = 202) =>
    api.post(`/api/v1/subscriptions/${id}/recover`, body, status);

  it('sends what failed and what was accepted while it was disabled, each once', async () => {
    receiver.respondWith([500]);
    const { id } = await subscribe();
    const since = clock.now().toISOString();
    const failed = await published('failed');
    await api.patch(`/api/v1/subscriptions/${id}`, { enabled: false });
    const missed = await publish();
    expect(missed.deliveries).toBe(0);
    await api.patch(`/api/v1/subscriptions/${id}`, { enabled: true });
    receiver.respondWith([200]);
    const before = receiver.requests.length;

    const job = await recover(id, { since });
    // What the tenant is told of failures are events of that time too.
    expect(job).toMatchObject({ kind: 'subscriptions.recover', status: 'queued', done: 0 });
    expect(job.total).toBeGreaterThanOrEqual(2);
    expect(await jobEnded(job.id)).toMatchObject({
      status: 'succeeded',
      result: { reopened: 1, created: 1 },
      createdBy: expect.any(String),
    });
    await eventually(async () => expect(await statuses(id)).toEqual({ succeeded: 2 }));
    expect(receiver.requests).toHaveLength(before + 2);
    expect((await deliveriesOf(failed.id))[0]).toMatchObject({ id: failed.deliveries[0]!.id, status: 'succeeded' });

    // Once more: there is nothing left to send.
    const again = await recover(id, { since });
    expect(await jobEnded(again.id)).toMatchObject({ status: 'succeeded', result: { reopened: 0, created: 0 } });
    expect(await statuses(id)).toEqual({ succeeded: 2 });
  });

  it('keeps to the time and to the statuses it was given', async () => {
    receiver.respondWith([500]);
    const { id } = await subscribe();
    const early = await published('failed');
    clock.advance({ minutes: 10 });
    const since = clock.now().toISOString();
    const within = await published('failed');
    clock.advance({ minutes: 10 });
    const until = clock.now().toISOString();
    const late = await published('failed');
    await subscribe();
    receiver.respondWith([200]);
    const missingOnly = await recover(id, { since, until, statuses: ['missing', 'cancelled'] });
    expect(await jobEnded(missingOnly.id)).toMatchObject({ result: { reopened: 0, created: 0 } });
    const job = await recover(id, { since, until });
    expect(await jobEnded(job.id)).toMatchObject({ result: { reopened: 1, created: 0 } });
    await eventually(async () => expect(await statuses(id)).toEqual({ succeeded: 1, failed: 2 }));
    expect((await deliveriesOf(within.id))[0].status).toBe('succeeded');
    for (const { id: other } of [early, late]) expect((await deliveriesOf(other))[0].status).toBe('failed');
    // Whether what arrived is sent once more is asked for by name.
    const resend = await recover(id, { since, until, statuses: ['succeeded'] });
    expect(await jobEnded(resend.id)).toMatchObject({ result: { reopened: 1, created: 0 } });
  });

  it('goes on over many steps, and two at once make nothing twice', async () => {
    const { id } = await subscribe({ enabled: false });
    const since = clock.now().toISOString();
    await publishMany(700);
    await publishMany(700);
    await api.patch(`/api/v1/subscriptions/${id}`, { enabled: true });
    const jobs = await Promise.all([recover(id, { since }), recover(id, { since })]);
    const ended = await Promise.all(jobs.map((job) => jobEnded(job.id)));
    for (const job of ended) {
      expect(job.status).toBe('succeeded');
      // The tenant may have been told something meanwhile, which is an event too.
      expect(job.total).toBeGreaterThanOrEqual(1400);
      expect(job.done).toBeGreaterThanOrEqual(job.total);
    }
    expect(ended[0].result.created + ended[1].result.created).toBe(1400);
    await eventually(async () => expect(await statuses(id)).toEqual({ succeeded: 1400 }), 60_000);
    expect(new Set(received()).size).toBe(1400);
    expect(receiver.requests).toHaveLength(1400);
  });

  it('sends no tests and nothing that another subscription alone was sent', async () => {
    const since = clock.now().toISOString();
    receiver.respondWith([500]);
    const { id } = await subscribe({ eventTypes: ['contact.*'] });
    const other = await subscribe();
    await api.post(`/api/v1/subscriptions/${id}/test`, { eventType: 'contact.created' }, 200);
    await api.post(`/api/v1/subscriptions/${other.id}/test`, { eventType: 'contact.created' }, 200);
    const job = await recover(id, { since });
    expect(await jobEnded(job.id)).toMatchObject({ result: { reopened: 0, created: 0 } });
    expect(await statuses(id)).toEqual({ failed: 1 });
  });

  it('refuses a disabled subscription and times that make no sense', async () => {
    const { id } = await subscribe({ enabled: false });
    const since = clock.now().toISOString();
    expect((await recover(id, { since }, 422)).code).toBe('delivery_not_retryable');
    await api.patch(`/api/v1/subscriptions/${id}`, { enabled: true });
    const expiring = await subscribe({ expiresAt: new Date(clock.now().getTime() + 1000).toISOString() });
    clock.advance({ seconds: 2 });
    expect((await recover(expiring.id, { since }, 422)).detail).toContain('expired');
    expect((await recover(id, {}, 422)).errors[0].pointer).toBe('/since');
    expect((await recover(id, { since: 'yesterday' }, 422)).errors[0].pointer).toBe('/since');
    expect((await recover(id, { since, until: since }, 422)).errors[0].pointer).toBe('/since');
    expect((await recover(id, { since, statuses: ['pending'] }, 422)).errors[0].pointer).toBe('/statuses');
    await recover(UNKNOWN, { since }, 404);
    await theirs.post(`/api/v1/subscriptions/${id}/recover`, { since }, 404);
  });
});

describe('retrying in bulk', () => {
  const retry = (filter: object, status = 202) => api.post('/api/v1/deliveries/retry', { filter }, status);

  it('sends what a filter means, and says how far it is', async () => {
    receiver.respondWith([500]);
    const [mine, other] = [await subscribe(), await subscribe()];
    const first = await published('failed');
    await published('failed');
    receiver.respondWith([200]);
    const job = await retry({ subscriptionId: mine.id });
    expect(job).toMatchObject({ kind: 'deliveries.retry', status: 'queued', total: 2 });
    expect(await jobEnded(job.id)).toMatchObject({ status: 'succeeded', done: 2, result: { reopened: 2, skipped: 0 } });
    await eventually(async () => expect(await statuses(mine.id)).toEqual({ succeeded: 2 }));
    expect(await statuses(other.id)).toEqual({ failed: 2 });

    const ofEvent = await retry({ eventId: first.id });
    expect(await jobEnded(ofEvent.id)).toMatchObject({ total: 1, result: { reopened: 1 } });
    await eventually(async () => expect(await statuses(other.id)).toEqual({ failed: 1, succeeded: 1 }));
  });

  it('knows event types, times and statuses, and leaves alone what cannot be sent', async () => {
    receiver.respondWith([500]);
    const [gone, off, kept] = [await subscribe(), await subscribe(), await subscribe()];
    const since = clock.now().toISOString();
    await published('failed');
    await api.delete(`/api/v1/subscriptions/${gone.id}`);
    await api.patch(`/api/v1/subscriptions/${off.id}`, { enabled: false });
    receiver.respondWith([200]);
    const none = await retry({ eventType: type, until: since });
    expect(await jobEnded(none.id)).toMatchObject({ total: 0, result: { reopened: 0, skipped: 0 } });
    const succeeded = await retry({ eventType: type, status: 'succeeded' });
    expect(await jobEnded(succeeded.id)).toMatchObject({ total: 0 });
    const job = await retry({ eventType: type, since });
    expect(await jobEnded(job.id)).toMatchObject({ total: 3, done: 3, result: { reopened: 1, skipped: 2 } });
    await eventually(async () => expect(await statuses(kept.id)).toEqual({ succeeded: 1 }));
    expect([await statuses(gone.id), await statuses(off.id)]).toEqual([{ failed: 1 }, { failed: 1 }]);
  });

  it('goes on over many steps; asked for twice it sends nothing twice', async () => {
    const subscription = await subscribe({ enabled: false });
    // Deliveries that failed before, as their recording leaves them: failing 1,500 times is not what is tested here.
    await publishMany(1000);
    await app.database.query(
      `insert into deliveries (id, tenant_id, event_id, subscription_id, status, attempt_count, created_at, completed_at)
       select uuid_v7(), e.tenant_id, e.id, $1, 'failed', 1, e.created_at, e.created_at from events e where e.type = $2`,
      [subscription.id, type],
    );
    const more = await publishMany(500);
    await app.database.query(
      `insert into deliveries (id, tenant_id, event_id, subscription_id, status, attempt_count, created_at, completed_at)
       select uuid_v7(), e.tenant_id, e.id, $1, 'failed', 1, e.created_at, e.created_at from events e where e.id = any($2)`,
      [subscription.id, more.data.map((entry: { id: string }) => entry.id)],
    );
    await api.patch(`/api/v1/subscriptions/${subscription.id}`, { enabled: true });
    const filter = { subscriptionId: subscription.id };
    const jobs = await Promise.all([retry(filter), retry(filter)]);
    const ended = await Promise.all(jobs.map((job) => jobEnded(job.id)));
    expect(ended[0].result.reopened + ended[1].result.reopened).toBe(1500);
    await eventually(async () => expect(await statuses(subscription.id)).toEqual({ succeeded: 1500 }), 60_000);
    expect(receiver.requests).toHaveLength(1500);
  });

  it('with the same Idempotency-Key is the same job', async () => {
    const headers = { 'idempotency-key': `bulk-${unique}` };
    const first = await api.post('/api/v1/deliveries/retry', { filter: { eventType: type } }, 202, headers);
    const second = await api.post('/api/v1/deliveries/retry', { filter: { eventType: type } }, 202, headers);
    expect(second.id).toBe(first.id);
    expect((await api.get('/api/v1/jobs?kind=deliveries.retry')).data[0].id).toBe(first.id);
    await jobEnded(first.id);
  });

  it('refuses filters it does not know, with a pointer', async () => {
    expect((await api.post('/api/v1/deliveries/retry', {}, 422)).errors[0].pointer).toBe('/filter');
    expect((await retry({ colour: 'red' }, 422)).errors[0].pointer).toBe('/filter/colour');
    expect((await retry({ status: 'pending' }, 422)).errors[0].pointer).toBe('/filter/status');
    expect((await retry({ since: '2026-02-02T00:00:00Z', until: '2026-02-01T00:00:00Z' }, 422)).errors[0].pointer).toBe(
      '/filter/since',
    );
    await retry({ subscriptionId: UNKNOWN }, 404);
  });
});
