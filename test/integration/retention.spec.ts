import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RetentionKeeper } from '../../src/retention/retention-keeper.js';
import { Api } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';
import { TestClock } from '../support/test-clock.js';
import { createTenant } from './tenants/tenancy.js';

// Ids carry the time of the machine: the clock begins there, and the test moves it on.
const clock = new TestClock(new Date());
let app: TestApp;
let api: Api;
let keeping: Api;
let receiver: Receiver;

beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp({ clock }), startReceiver()]);
  api = Api.of(app);
  keeping = new Api(app.url, (await createTenant(app, 'keeping')).apiKey);
  await api.patch('/api/v1/tenant', { settings: { retentionDays: 7 } });
  await keeping.patch('/api/v1/tenant', { settings: { retentionDays: 30 } });
});
afterAll(() => Promise.all([app.close(), receiver.close()]));

const sweep = () => app.app.get(RetentionKeeper, { strict: false }).sweep();
const count = async (table: string) =>
  Number((await app.database.query<{ count: string }>(`select count(*) from ${table}`))[0]?.count);

async function delivered(of: Api, type: string): Promise<string> {
  const { id } = await of.post('/api/v1/events', { type, data: { n: 1 } }, 202);
  await eventually(async () =>
    expect((await of.get(`/api/v1/events/${id}`)).deliveries[0]).toMatchObject({ status: 'succeeded' }),
  );
  return id;
}

describe('what is older than a tenant keeps it', () => {
  it('is removed with what belongs to it, and what is younger or another tenant keeps longer stays', async () => {
    await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['kept.*'] }, 201);
    await keeping.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['kept.*'] }, 201);
    const ours = await delivered(api, 'kept.thing');
    const theirs = await delivered(keeping, 'kept.thing');
    const unwanted = (await api.post('/api/v1/events', { type: 'nobody.asks', data: {} }, 202)).id;
    const source = await api.post('/api/v1/sources', { provider: 'none', name: 'old' }, 201);
    await request(app.url).post(new URL(source.url).pathname).send({ a: 1 }).expect(200);
    await eventually(async () => {
      expect((await api.get('/api/v1/inbound-events?status=processed')).data).toHaveLength(1);
    });

    clock.advance({ days: 6 });
    await sweep();
    await api.get(`/api/v1/events/${ours}`);

    clock.advance({ days: 2 });
    await sweep();
    await api.get(`/api/v1/events/${ours}`, 404);
    await api.get(`/api/v1/events/${unwanted}`, 404);
    expect((await api.get('/api/v1/inbound-events')).data).toEqual([]);
    await keeping.get(`/api/v1/events/${theirs}`);
    expect([await count('deliveries'), await count('attempts'), await count('inbound_attempts')]).toEqual([1, 1, 0]);
    // What was counted stays: statistics outlive the rows behind them.
    expect(await count('delivery_stats')).toBeGreaterThan(0);
  });

  it('stays as long as it is still to be delivered, and its event with it', async () => {
    receiver.respondWith([503]);
    await api.post('/api/v1/subscriptions', { url: `${receiver.url}/down`, eventTypes: ['waiting.thing'] }, 201);
    const { id } = await api.post('/api/v1/events', { type: 'waiting.thing', data: {} }, 202);
    await eventually(async () =>
      expect((await api.get(`/api/v1/events/${id}`)).deliveries[0]).toMatchObject({
        status: 'pending',
        attemptCount: 1,
      }),
    );
    clock.advance({ days: 40 });
    // Held back, so that the relay does not send it while this looks.
    await app.database.query(`update deliveries set due_at = null where event_id = $1`, [id]);
    await sweep();
    expect((await api.get(`/api/v1/events/${id}`)).deliveries).toHaveLength(1);
  });

  it('is removed to the last row when there are more than one batch takes', async () => {
    await app.database.query(
      `insert into events (id, tenant_id, type, data, occurred_at, created_at)
       select uuid_v7(), $1, 'many.things', '{}', now(), now() from generate_series(1, 2500)`,
      [app.tenant.id],
    );
    clock.advance({ days: 40 });
    await sweep();
    expect((await app.database.query(`select 1 from events where type = 'many.things'`)).length).toBe(0);
  });
});
