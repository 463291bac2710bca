import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { createTestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { TestClock } from '../../support/test-clock.js';
import { createTenant } from '../tenants/tenancy.js';

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

const inSeconds = (seconds: number) => new Date(clock.now().getTime() + seconds * 1000).toISOString();
const pathOf = ({ id }: { id: string }) => `/api/v1/subscriptions/${id}`;

async function subscribe(fields: object = {}) {
  const type = `expiry.case${++unique}`;
  return {
    ...(await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: [type], ...fields }, 201)),
    type,
  };
}

/** Publishes an event and gives the ids of its deliveries. */
async function publish(type: string): Promise<string[]> {
  const { id } = await api.post('/api/v1/events', { type, data: {} }, 202);
  const { deliveries } = await api.get(`/api/v1/events/${id}`);
  return deliveries.map((delivery: { id: string }) => delivery.id);
}

const delivery = (id: string, expected: object) =>
  eventually(async () => expect(await api.get(`/api/v1/deliveries/${id}`)).toMatchObject(expected));

/** Another process, which sweeps when it starts if it is a worker, and ends what it has begun before it stops. */
async function whileAnotherRuns(roles: string, fact: () => Promise<unknown>, database = app.database): Promise<void> {
  const other = await startTestApp({ clock, database, config: { ROLES: roles } });
  try {
    await fact();
  } finally {
    await other.close();
  }
}

describe('a subscription that expires', () => {
  it('gets no delivery from that moment on, and is deleted by a worker an hour later', async () => {
    const lasting = await subscribe();
    const ending = await subscribe({ expiresAt: inSeconds(60), eventTypes: [lasting.type] });
    expect(ending).toMatchObject({ expiresAt: inSeconds(60) });
    expect(lasting.expiresAt).toBeNull();
    clock.advance({ seconds: 59.999 });
    expect(await publish(lasting.type)).toHaveLength(2);
    await eventually(() => expect(receiver.requests).toHaveLength(2));
    clock.advance({ seconds: 0.001 });
    expect(await publish(lasting.type)).toHaveLength(1);
    await eventually(() => expect(receiver.requests).toHaveLength(3));
    expect((await api.post(`${pathOf(ending)}/test`, {}, 422)).detail).toContain('has expired: renew it');
    clock.advance({ seconds: 3599.999 });
    await whileAnotherRuns('worker', () => api.get('/health/ready'));
    expect(await api.get(pathOf(ending))).toMatchObject({ expiresAt: ending.expiresAt, enabled: true });
    clock.advance({ seconds: 0.001 });
    await whileAnotherRuns('worker', () => eventually(() => api.get(pathOf(ending), 404)));
    await api.get(pathOf(lasting));
  });

  it('has its retries held back, and cancelled when it is deleted', async () => {
    receiver.respondWith([500]);
    const ending = await subscribe({ expiresAt: inSeconds(30) });
    const [id] = (await publish(ending.type)) as [string];
    await delivery(id, { status: 'pending', attemptCount: 1 });
    clock.advance({ minutes: 10 });
    await delivery(id, { status: 'pending', attemptCount: 1, nextAttemptAt: null });
    expect((await api.post(`/api/v1/deliveries/${id}/retry`, {}, 422)).detail).toContain('has expired: renew it');
    clock.advance({ hours: 1 });
    await whileAnotherRuns('worker', () => delivery(id, { status: 'cancelled', nextAttemptAt: null }));
    expect(receiver.requests).toHaveLength(1);
    await api.get(pathOf(ending), 404);
  });

  it('is swept in batches, however many there are, and only by processes that have the worker role', async () => {
    const database = await createTestDatabase();
    try {
      await database.query(
        `insert into subscriptions (id, tenant_id, url, event_types, retry_schedule, expires_at, updated_at)
         select gen_random_uuid(), gen_random_uuid(), 'http://127.0.0.1:45109/', '{a}', '{}', $1, now() from generate_series(1, 450)`,
        [inSeconds(-3600)],
      );
      const left = async () =>
        (await database.query<{ n: number }>('select count(*)::int as n from subscriptions'))[0]?.n;
      await whileAnotherRuns('api', async () => {}, database);
      expect(await left()).toBe(450);
      await whileAnotherRuns('worker', () => eventually(async () => expect(await left()).toBe(0)), database);
    } finally {
      await database.drop();
    }
  });
});

describe('renewing', () => {
  it('moves the end, to a time or so many seconds from now, and resumes what was held back', async () => {
    receiver.respondWith([500, 200]);
    const ending = await subscribe({ expiresAt: inSeconds(30) });
    const [id] = (await publish(ending.type)) as [string];
    await delivery(id, { attemptCount: 1 });
    clock.advance({ minutes: 10 });
    await delivery(id, { status: 'pending', nextAttemptAt: null });
    const renewed = await api.post(`${pathOf(ending)}/renew`, { forSeconds: 3600 }, 200);
    expect(renewed.expiresAt).toBe(inSeconds(3600));
    await delivery(id, { status: 'succeeded', attemptCount: 2 });
    expect((await api.post(`${pathOf(ending)}/renew`, { expiresAt: inSeconds(60) }, 200)).expiresAt).toBe(
      inSeconds(60),
    );
    expect((await api.patch(pathOf(ending), { expiresAt: inSeconds(90) })).expiresAt).toBe(inSeconds(90));
    clock.advance({ seconds: 89 });
    expect(await publish(ending.type)).toHaveLength(1);
    expect((await api.patch(pathOf(ending), { expiresAt: null })).expiresAt).toBeNull();
    clock.advance({ days: 400 });
    expect(await publish(ending.type)).toHaveLength(1);
  });

  it.each([
    [{}, '/expiresAt'],
    [{ forSeconds: 0 }, '/forSeconds'],
    [{ forSeconds: 1e12 }, '/forSeconds'],
    [{ expiresAt: 'tomorrow' }, '/expiresAt'],
    [{ expiresAt: '2026-02-28T12:00:00Z' }, '/expiresAt'],
    [{ expiresAt: '2099-01-01T00:00:00Z', forSeconds: 60 }, '/expiresAt'],
  ])('with %j is refused', async (body, pointer) => {
    const { errors } = await api.post(`${pathOf(await subscribe())}/renew`, body, 422);
    expect(errors[0].pointer).toBe(pointer);
  });

  it('is not for strangers, nor for what is gone, and an end in the past is no end', async () => {
    const ending = await subscribe({ expiresAt: inSeconds(30) });
    const theirs = new Api(app.url, (await createTenant(app, 'renewers')).apiKey);
    await theirs.post(`${pathOf(ending)}/renew`, { forSeconds: 60 }, 404);
    await api.delete(pathOf(ending));
    await api.post(`${pathOf(ending)}/renew`, { forSeconds: 60 }, 404);
    const body = { url: receiver.url, eventTypes: ['a'], expiresAt: inSeconds(-1) };
    expect((await api.post('/api/v1/subscriptions', body, 422)).errors[0].pointer).toBe('/expiresAt');
  });
});

describe('an externalKey', () => {
  const withKey = (externalKey: string, more: object = {}) => ({
    url: receiver.url,
    eventTypes: ['keyed.one'],
    externalKey,
    ...more,
  });

  it('makes creating again an update: one subscription, the same secret, which is not shown', async () => {
    const first = await api.post('/api/v1/subscriptions', withKey('flow 1', { name: 'Flow' }), 201);
    const again = await api.post('/api/v1/subscriptions', withKey('flow 1', { eventTypes: ['keyed.two'] }), 200);
    expect(again).toMatchObject({ id: first.id, name: 'Flow', eventTypes: ['keyed.two'] });
    expect(again).not.toHaveProperty('secret');
    expect((await api.get('/api/v1/subscriptions?externalKey=flow%201')).data).toHaveLength(1);
  });

  it('makes one even when many ask at once', async () => {
    const body = withKey('at once');
    const statuses = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const answer = await fetch(`${app.url}/api/v1/subscriptions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${app.apiKey}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        return answer.status;
      }),
    );
    expect(statuses.sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect((await api.get('/api/v1/subscriptions?externalKey=at%20once')).data).toHaveLength(1);
  });

  it('that another subscription has cannot be taken by a change', async () => {
    await api.post('/api/v1/subscriptions', withKey('taken'), 201);
    const other = await subscribe();
    expect((await api.patch(pathOf(other), { externalKey: 'taken' }, 409)).detail).toContain('"taken"');
  });

  it('of one that has expired is free: a new one is made, with a secret of its own', async () => {
    const old = await api.post('/api/v1/subscriptions', withKey('lapsed', { expiresAt: inSeconds(10) }), 201);
    const kept = await api.post('/api/v1/subscriptions', withKey('lapsed'), 200);
    expect(kept).toMatchObject({ id: old.id, expiresAt: inSeconds(10) });
    clock.advance({ seconds: 10 });
    const made = await api.post('/api/v1/subscriptions', withKey('lapsed'), 201);
    expect(made.expiresAt).toBeNull();
    expect(made.id).not.toBe(old.id);
    expect(made.secret).not.toBe(old.secret);
    await api.get(pathOf(old), 404);
  });
});

describe('a warning', () => {
  const warningsOf = async (url: string) =>
    (await api.post('/api/v1/subscriptions', { url, eventTypes: ['warned.never'] }, 201)).warnings;

  it.each([
    ['https://n8n.example.com/webhook-test/8c1f', ['webhook-test']],
    ['https://example.com/n8n/webhook-test/a/b?x=1', ['webhook-test']],
    ['http://n8n.example.com/webhook-test/8c1f', ['webhook-test', 'plain http']],
    ['http://partner.example.com/hook', ['plain http']],
    ['http://93.184.216.34/hook', ['plain http']],
    ['https://n8n.example.com/webhook/8c1f', []],
    ['https://example.com/webhook-testing', []],
    ['http://localhost:5678/webhook/8c1f', []],
    ['http://127.0.0.1:5678/webhook/8c1f', []],
    ['http://n8n:5678/webhook/8c1f', []],
    ['http://n8n.internal/webhook/8c1f', []],
  ])('about %s: %j', async (url, words) => {
    expect(await warningsOf(url)).toEqual(words.map((word) => expect.stringContaining(word)));
  });

  it('comes with a change too, and goes with the next', async () => {
    const subscription = await subscribe();
    expect(subscription.warnings).toEqual([]);
    const changed = await api.patch(pathOf(subscription), { url: 'https://n8n.example.com/webhook-test/1' });
    expect(changed.warnings).toEqual([expect.stringContaining('Activate the workflow')]);
    expect((await api.patch(pathOf(subscription), { url: 'https://n8n.example.com/webhook/1' })).warnings).toEqual([]);
  });
});
