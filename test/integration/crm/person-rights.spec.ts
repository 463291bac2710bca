import request from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../../src/core/ids.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { as, createKey, createTenant } from '../tenants/tenancy.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp({ config: { RELAY_INTERVAL_MS: '20' } }), startReceiver()]);
  api = Api.of(app);
  sourceUrl = (await api.post('/api/v1/sources', { provider: 'none', name: 'forms' }, 201)).url;
});
beforeEach(() => {
  receiver.requests.length = 0;
  receiver.respondWith([200]);
});
afterAll(() => Promise.all([app.close(), receiver.close()]));

interface Erasure {
  jobId: string;
  providers: object[];
}

let nth = 0;
/** A contact with something of every kind. */
async function person(tenantId = app.tenant.id) {
  const n = String(++nth).padStart(4, '0');
  const now = new Date();
  const keys = {
    email: `ada${n}@example.com`,
    phone: `+551199999${n}`,
    externalId: `host-${n}`,
    manychatId: `77001${n}`,
    instagramUsername: `ada.${n}`,
  };
  const row = { ...keys, id: newId(), tenantId, firstName: 'Ada', lastName: `Lovelace${n}`, updatedAt: now };
  const { prisma } = app;
  const contact = await prisma.contact.create({ data: { ...row, customFields: { favorite_drink: 'latte' } } });
  const of = { tenantId, contactId: contact.id };
  const tag = await prisma.tag.create({ data: { id: newId(), tenantId, name: `vip${n}` } });
  await prisma.contactTag.create({ data: { ...of, tagId: tag.id, appliedAt: now } });
  await prisma.booking.create({
    data: { ...of, id: newId(), startTime: now, endTime: now, updatedAt: now, notes: 'by the window' },
  });
  await prisma.qrCode.create({ data: { ...of, id: newId(), code: `code-${n}`, updatedAt: now } });
  await prisma.interaction.create({ data: { ...of, id: newId(), kind: 'comment', text: 'nice', occurredAt: now } });
  const conversation = { id: newId(), tenantId, channel: 'whatsapp', updatedAt: now };
  await prisma.conversation.create({ data: { ...conversation, party: `551199999${n}` } });
  const message = { id: newId(), tenantId, conversationId: conversation.id, direction: 'received', author: 'contact' };
  await prisma.message.create({ data: { ...message, text: 'hello from Ada', sentAt: now } });
  await prisma.deal.create({
    data: { ...of, id: newId(), title: 'Plan for Ada', stage: 'won', amount: 10, updatedAt: now },
  });
  const invoice = { id: newId(), tenantId, number: `in-${n}`, status: 'open', amount: 5, updatedAt: now };
  await prisma.invoice.create({ data: { ...invoice, customerEmail: keys.email } });
  return { id: contact.id, n, tagId: tag.id, ...keys };
}

const publish = async (type: string, data: object) =>
  (await api.post('/api/v1/events', { type, data }, 202)).id as string;
let sourceUrl: string;
const receive = async (body: string | Buffer | object, contentType = 'application/json') => {
  const sent = request(app.url).post(new URL(sourceUrl).pathname).set('content-type', contentType);
  const { headers } = await sent.send(body).expect(200);
  return headers['x-posthaste-event'] as string;
};
const erase = (id: string, status = 202) => api.delete(`/api/v1/contacts/${id}?erase=true`, status) as Promise<Erasure>;
const erased = (id: string) =>
  eventually(async () => {
    const view = await api.get(`/api/v1/contacts/${id}/erasure`);
    expect(view.status).toBe('completed');
    return view;
  });
const consents = (id: string) =>
  app.prisma.contactConsent.findMany({ where: { contactId: id }, orderBy: { id: 'asc' } });
const say = (id: string, purpose: string, said: object, status = 200) =>
  as(app, app.apiKey).put(`/api/v1/contacts/${id}/consents/${purpose}`).send(said).expect(status);

/** Every text of the database that has one of the words in it. */
async function mentions(words: string[]): Promise<string[]> {
  const columns = await app.database.query<{ t: string; c: string }>(
    `select table_name as t, column_name as c from information_schema.columns
     where table_schema = 'public' and data_type in ('text', 'jsonb', 'json', 'character varying', 'ARRAY')
       and table_name in (select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE')`,
  );
  const found: string[] = [];
  for (const { t, c } of columns) {
    for (const word of words) {
      const rows = await app.database.query(`select 1 from "${t}" where "${c}"::text ilike '%' || $1 || '%' limit 1`, [
        word,
      ]);
      if (rows.length > 0) found.push(`${t}.${c}: ${word}`);
    }
  }
  return found;
}

describe('access', () => {
  it('gives everything held about a contact as one document, and nothing of another', async () => {
    const [ada, other] = [await person(), await person()];
    await say(ada.id, 'export', { given: true, source: 'website_form' });
    await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['crm.noted'] }, 201);
    const event = await publish('crm.noted', { about: ada.email, note: 'likes latte' });
    await publish('crm.noted', { about: other.email });
    const inbound = await receive({ fields: { mail: ada.email.toUpperCase() } });
    const form = await receive(`tel=%2B55+11+99999-${ada.n}`, 'application/x-www-form-urlencoded');
    await receive({ fields: { mail: other.email } });
    await eventually(() => expect(receiver.requests).toHaveLength(2));

    const { body: data, headers } = await as(app, app.apiKey).get(`/api/v1/contacts/${ada.id}/data`).expect(200);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(data.contact).toMatchObject({ id: ada.id, email: ada.email, tags: [{ name: `vip${ada.n}` }] });
    expect(data.contact.customFields).toEqual({ favorite_drink: 'latte' });
    expect(data.consents).toMatchObject([{ purpose: 'export', given: true, source: 'website_form' }]);
    expect(data.bookings).toMatchObject([{ notes: 'by the window' }]);
    expect(data.qrCodes).toMatchObject([{ code: `code-${ada.n}` }]);
    expect(data.conversations).toMatchObject([{ channel: 'whatsapp' }]);
    expect(data.messages).toMatchObject([{ text: 'hello from Ada' }]);
    expect(data.interactions).toMatchObject([{ text: 'nice' }]);
    expect(data.deals).toMatchObject([{ title: 'Plan for Ada', amount: '10' }]);
    expect(data.invoices).toMatchObject([{ number: `in-${ada.n}` }]);
    expect(data.events).toMatchObject([
      { id: event, data: { note: 'likes latte' }, deliveries: [{ url: receiver.url, status: 'succeeded' }] },
    ]);
    expect(data.inboundEvents.map(({ id }: { id: string }) => id)).toEqual([inbound, form]);
    expect(data.auditEntries).toMatchObject([{ action: 'contact.consent_recorded' }, { action: 'contact.data_read' }]);
    expect(JSON.stringify(data)).not.toContain(other.n);
    expect(JSON.stringify(data)).not.toContain(app.tenant.id);
  });

  it('goes on page after page where much is held', async () => {
    const ada = await person();
    await app.database.query(
      `insert into interactions (id, tenant_id, contact_id, kind, text, occurred_at)
       select uuid_v7(), $1, $2, 'comment', 'comment ' || n, now() from generate_series(1, 1200) n`,
      [app.tenant.id, ada.id],
    );
    const events = Array.from({ length: 700 }, (_, n) => ({
      type: 'crm.many',
      data: { n, about: n % 100 === 0 ? ada.id : null },
    }));
    await api.post('/api/v1/events/batch', events, 202);
    const data = await api.get(`/api/v1/contacts/${ada.id}/data`);
    expect(new Set(data.interactions.map(({ id }: { id: string }) => id)).size).toBe(1201);
    expect(data.events.map((one: { data: { n: number } }) => one.data.n)).toEqual([0, 100, 200, 300, 400, 500, 600]);
  });

  it('is refused for what another tenant holds, and without data:read; it is audited', async () => {
    const ada = await person();
    const theirs = await createTenant(app, `access-${ada.n}`);
    const theirApi = new Api(app.url, theirs.apiKey);
    for (const path of ['data', 'erasure']) await theirApi.get(`/api/v1/contacts/${ada.id}/${path}`, 404);
    for (const query of ['', '?erase=true']) await theirApi.delete(`/api/v1/contacts/${ada.id}${query}`, 404);
    const key = await createKey(app, app.apiKey, ['events:read']);
    await new Api(app.url, key.key).get(`/api/v1/contacts/${ada.id}/data`, 403);
    await api.get(`/api/v1/contacts/${ada.id}/data`);
    const log = await api.get('/api/v1/audit-log?action=contact.data_read&limit=1');
    expect(log.data).toMatchObject([{ target: { id: ada.id } }]);
  });
});

describe('erasure', () => {
  it('leaves nothing that names the person, keeps what names nobody, and is audited with the id', async () => {
    const [ada, other] = [await person(), await person()];
    await api.post('/api/v1/subscriptions', { url: `${receiver.url}/a`, eventTypes: ['shop.*'] }, 201);
    receiver.respondWith(({ path }) => (path === '/a' ? { status: 200, body: `thanks, ${ada.email}` } : 200));
    const event = await publish('shop.sold', { customer: { mail: ada.email, phone: `(11) 99999-${ada.n}` } });
    const kept = await publish('shop.sold', { customer: { mail: other.email } });
    await eventually(() => expect(receiver.requests).toHaveLength(2));
    const inbound = await receive({ manychat: Number(ada.manychatId), name: `Ada Lovelace${ada.n}` });
    const binary = await receive(Buffer.from(`\ufeffname;mail\nAda;${ada.email}`), 'text/csv');
    const keptInbound = await receive({ mail: other.email });
    const idempotent = { 'Idempotency-Key': `key-${ada.n}` };
    await api.post('/api/v1/event-types', { name: `x.${ada.n}`, description: ada.email }, 201, idempotent);
    await app.prisma.eventType.deleteMany({ where: { name: `x.${ada.n}` } });

    await erase(ada.id);
    const view = await erased(ada.id);
    expect(view.erased).toMatchObject({ events: 1, inboundEvents: 2, cancelledDeliveries: 0 });
    expect(view.erased.attempts).toBeGreaterThanOrEqual(1);
    expect(
      await mentions([ada.email, ada.phone.slice(1), `Lovelace${ada.n}`, ada.instagramUsername, `code-${ada.n}`]),
    ).toEqual([]);
    const left = await app.database.query(
      'select 1 from contact_erasures where contact_id = $1 and person is not null',
      [ada.id],
    );
    expect(left).toHaveLength(0);

    expect((await api.get(`/api/v1/events/${event}`)).data).toEqual({ erased: true, erasedAt: view.requestedAt });
    expect((await api.get(`/api/v1/events/${kept}`)).data).toEqual({ customer: { mail: other.email } });
    for (const id of [inbound, binary])
      expect((await api.get(`/api/v1/inbound-events/${id}`)).payload).toEqual({
        erased: true,
        erasedAt: view.requestedAt,
      });
    expect((await api.get(`/api/v1/inbound-events/${keptInbound}`)).payload).toEqual({ mail: other.email });
    expect(await app.prisma.invoice.findFirst({ where: { number: `in-${ada.n}` } })).toMatchObject({
      status: 'open',
      customerEmail: null,
    });
    expect(await app.prisma.contact.count({ where: { id: other.id } })).toBe(1);
    expect(await app.prisma.booking.count({ where: { contactId: other.id } })).toBe(1);
    const log = await api.get('/api/v1/audit-log?action=contact.deleted&limit=1');
    expect(log.data).toMatchObject([{ target: { id: ada.id } }]);
    await api.get(`/api/v1/contacts/${ada.id}/data`, 404);
  });

  it('cancels what was still to be sent, and what was still to be processed', async () => {
    const ada = await person();
    receiver.respondWith([500]);
    await api.post('/api/v1/subscriptions', { url: `${receiver.url}/pending`, eventTypes: ['waiting.one'] }, 201);
    const event = await publish('waiting.one', { about: ada.id });
    const pending = async () => (await api.get(`/api/v1/events/${event}`)).deliveries[0];
    await eventually(async () => expect((await pending()).attemptCount).toBe(1));
    const inbound = await receive({ mail: ada.email });
    await eventually(async () => expect((await api.get(`/api/v1/inbound-events/${inbound}`)).status).toBe('processed'));
    await app.database.query(
      `update integration_events set status = 'received', processed_at = null, due_at = now() + interval '1 day' where id = $1`,
      [inbound],
    );
    await erase(ada.id);
    expect((await erased(ada.id)).erased).toMatchObject({ cancelledDeliveries: 1 });
    expect(await pending()).toMatchObject({ status: 'cancelled' });
    expect(await api.get(`/api/v1/inbound-events/${inbound}`)).toMatchObject({
      status: 'ignored',
      errorMessage: 'Erased on request.',
    });
  });

  it('is told once in every vocabulary with ids alone, and as contact.erased when nothing is left', async () => {
    const ada = await person();
    await api.patch('/api/v1/tenant', { settings: { vocabularies: ['crm', 'flowkick', 'pt-BR'] } });
    const types = ['contact.deleted', 'user.deleted', 'cliente.excluido', 'contact.erased'];
    await api.post('/api/v1/subscriptions', { url: `${receiver.url}/told`, eventTypes: types }, 201);
    await erase(ada.id);
    const view = await erased(ada.id);
    await eventually(() => expect(receiver.requests).toHaveLength(4));
    const told = Object.fromEntries(
      receiver.requests.map(({ body }) => [JSON.parse(body).event, JSON.parse(body).data]),
    );
    expect(told['contact.deleted']).toEqual({
      contact_id: ada.id,
      email: null,
      first_name: null,
      last_name: null,
      phone: null,
    });
    expect(told['user.deleted'].user).toMatchObject({
      id: ada.id,
      manychatId: ada.manychatId,
      email: null,
      tags: [],
      customFields: {},
    });
    expect(told['cliente.excluido']).toMatchObject({ id: ada.id, nome: null });
    expect(told['contact.erased']).toEqual({
      contactId: ada.id,
      erasureId: view.id,
      requestedAt: view.requestedAt,
      completedAt: view.completedAt,
    });
    for (const { body } of receiver.requests) expect(body).not.toMatch(new RegExp(`${ada.email}|Lovelace|99999`));
    // Its own news are not written over: whoever was away gets them.
    const { data } = await api.get('/api/v1/events?type=contact.deleted&limit=1');
    expect(data[0].data).toMatchObject({ contact_id: ada.id });
    await erase(ada.id);
    expect((await api.get('/api/v1/events?type=contact.erased')).data).toHaveLength(1);
  });

  it('goes through everything in steps, and goes on where its job was cancelled', async () => {
    const ada = await person();
    const many = (n: number) =>
      Array.from({ length: n }, (_, i) => ({ type: 'steps.one', data: { i, about: i === 3 ? ada.id : null } }));
    for (const _ of [1, 2, 3]) await api.post('/api/v1/events/batch', many(1000), 202);
    const { jobId } = await erase(ada.id);
    await app.database.query(
      `update background_jobs set status = 'cancelled', due_at = null, finished_at = now() where id = $1 and status <> 'succeeded'`,
      [jobId],
    );
    const again = await erase(ada.id);
    const view = await erased(ada.id);
    expect(view.jobId).toBe(again.jobId);
    const left = await app.database.query(
      `select 1 from events where type = 'steps.one' and data like '%' || $1 || '%'`,
      [ada.id],
    );
    expect(left).toHaveLength(0);
    expect((await api.get(`/api/v1/jobs/${again.jobId}`)).parameters).toEqual({
      erasureId: view.id,
      contactId: ada.id,
    });
  });

  it('is no part of a plain deletion, and needs a contact', async () => {
    const ada = await person();
    const event = await publish('shop.plain', { about: ada.email });
    await api.delete(`/api/v1/contacts/${ada.id}?erase=maybe`, 422);
    await api.delete(`/api/v1/contacts/${ada.id}`);
    expect((await api.get(`/api/v1/events/${event}`)).data).toEqual({ about: ada.email });
    await erase(ada.id, 404);
    await api.get(`/api/v1/contacts/${ada.id}/erasure`, 404);
    await erase('not-an-id', 404);
  });
});

describe('consent', () => {
  it('is on the contact as its last word and in the history with time and source, and is told as a change', async () => {
    const ada = await person();
    await api.post('/api/v1/subscriptions', { url: `${receiver.url}/consent`, eventTypes: ['user.updated'] }, 201);
    const { body } = await say(ada.id, 'export', { given: true, source: 'website_form', at: '2026-01-10T09:00:00Z' });
    expect(body).toMatchObject({
      purpose: 'export',
      given: true,
      source: 'website_form',
      at: '2026-01-10T09:00:00.000Z',
    });
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    const { data } = JSON.parse(receiver.requests[0]!.body);
    expect(data.user.exportConsent).toEqual({ given: true, at: '2026-01-10T09:00:00.000Z' });
    expect(data.changes.exportConsentGiven).toEqual({ old: false, new: true });

    await say(ada.id, 'export', { given: false, source: 'phone', at: '2026-01-12T09:00:00Z' });
    // Known late: it belongs to the history and is not the last word.
    await say(ada.id, 'export', { given: true, source: 'paper', at: '2026-01-11T09:00:00Z' });
    const contact = await app.prisma.contact.findUniqueOrThrow({ where: { id: ada.id } });
    expect(contact).toMatchObject({ exportConsentGiven: false, exportConsentAt: new Date('2026-01-12T09:00:00Z') });
    expect((await consents(ada.id)).map(({ given, source }) => `${given} ${source}`)).toEqual([
      'true website_form',
      'false phone',
      'true paper',
    ]);
    await eventually(() => expect(receiver.requests).toHaveLength(2));
  });

  it('for a channel is its opt-in; a word repeated adds nothing', async () => {
    const ada = await person();
    await say(ada.id, 'whatsapp', { given: true });
    await say(ada.id, 'whatsapp', { given: true });
    expect(await consents(ada.id)).toMatchObject([{ purpose: 'whatsapp', given: true, source: 'api' }]);
    expect(await app.prisma.contact.findUniqueOrThrow({ where: { id: ada.id } })).toMatchObject({
      optInWhatsapp: true,
    });
  });

  it('is refused for no purpose, no contact, another tenant and a time to come', async () => {
    const ada = await person();
    const { body } = await say(ada.id, 'sms', { given: true }, 422);
    expect(body.errors).toMatchObject([{ pointer: '/purpose' }]);
    await say(ada.id, 'export', { given: 'yes' }, 422);
    await say(ada.id, 'export', { given: true, at: '2100-01-01T00:00:00Z' }, 422);
    await say(newId(), 'export', { given: true }, 404);
    const theirs = await createTenant(app, `consent-${ada.n}`);
    await as(app, theirs.apiKey).put(`/api/v1/contacts/${ada.id}/consents/export`).send({ given: true }).expect(404);
    expect(await consents(ada.id)).toEqual([]);
  });
});
