import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HandlerRegistry } from '../../../src/inbound-events/handlers/handler-registry.js';
import type { InboundHandler } from '../../../src/inbound-events/handlers/inbound-handler.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { TestClock } from '../../support/test-clock.js';
import { anotherTenant, capture, countOf, ended, makeSource, post, sign } from './inbound.js';

const clock = new TestClock();
let app: TestApp;
let api: Api;
let receiver: Receiver;

beforeAll(async () => {
  app = await startTestApp({ clock, config: { RELAY_INTERVAL_MS: '20' } });
  api = Api.of(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
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
const send = async (eventName: string, body: object, headers: Record<string, string> = {}) => {
  const answer = await capture(app, eventName, body, headers);
  expect(answer.status, answer.body).toBe(202);
  return JSON.parse(answer.body).id as string;
};
const contacts = (email: string) => app.database.query('select * from contacts where email = $1', [email]);

describe('lead.captured', () => {
  it('makes a contact and tells of it, once for the same lead', async () => {
    await subscribe(['contact.*']);
    const lead = {
      email: 'Lead@Example.com',
      name: 'Ana Maria Souza',
      phone: '+55 11 99999-0000',
      source: 'website_form',
      utm_campaign: 'summer2025',
      metadata: { page_url: 'https://example.com/' },
    };
    const event = await ended(api, await send('lead.captured', lead), 'processed');
    const [contact, ...others] = await contacts('lead@example.com');
    expect(others).toEqual([]);
    expect(contact).toMatchObject({
      first_name: 'Ana',
      last_name: 'Maria Souza',
      phone: '+5511999990000',
      source: 'website_form',
      attributes: { utm_campaign: 'summer2025', metadata: { page_url: 'https://example.com/' } },
    });
    expect(event).toMatchObject({
      result: { did: { contactId: contact!.id, created: true } },
      attempts: [{ number: 1, outcome: 'processed', errorMessage: null }],
      processedAt: expect.any(String),
    });
    const [request] = await received(1);
    expect(JSON.parse(request!.body)).toMatchObject({
      event: 'contact.created',
      data: { contact_id: contact!.id, email: 'lead@example.com' },
      metadata: { 'x-posthaste-hops': 1 },
    });
    expect(request!.headers['x-posthaste-hops']).toBe('1');

    await ended(api, await send('lead.captured', lead), 'processed');
    await ended(api, await send('lead.captured', { email: 'lead@example.com', phone: '+1 555' }), 'processed');
    const [, update] = await received(2);
    expect(JSON.parse(update!.body)).toMatchObject({
      event: 'contact.updated',
      data: { phone: '+1 555', changes: { phone: { old: '+5511999990000', new: '+1 555' } } },
    });
    expect(await contacts('lead@example.com')).toHaveLength(1);
  });

  it('of many at once makes one contact', async () => {
    await subscribe(['contact.created']);
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        send('lead.captured', { email: 'crowd@example.com', first_name: `Name ${n}` }),
      ),
    );
    for (const id of ids) await ended(api, id, 'processed');
    expect(await contacts('crowd@example.com')).toHaveLength(1);
    expect(receiver.requests.filter(({ body }) => JSON.parse(body).event === 'contact.created')).toHaveLength(1);
  });

  it.each([
    [{}, 'The field "email" is missing'],
    [{ email: 'nobody' }, 'The field "email" is "nobody"'],
    [{ email: 'a\u0000@b.c d' }, 'e-mail address'],
    [[1], 'must be a JSON object'],
  ])('%j fails at once and says why, and the tenant is told', async (body, words) => {
    await subscribe(['inbound.failed']);
    const before = await countOf(app, 'contacts');
    const event = await ended(api, await send('lead.captured', body), 'failed');
    expect(event.errorMessage).toContain(words);
    expect(event.attempts).toMatchObject([{ outcome: 'failed', errorMessage: event.errorMessage }]);
    expect(await countOf(app, 'contacts')).toBe(before);
    const [told] = await received(1);
    expect(JSON.parse(told!.body)).toMatchObject({
      event: 'inbound.failed',
      data: { inboundEventId: event.id, eventName: 'lead.captured', error: event.errorMessage, attempts: 1 },
    });
  });

  it('stays inside its tenant', async () => {
    const other = await anotherTenant(app, 'other-leads');
    const answer = await capture(
      app,
      'lead.captured',
      { email: 'lead@example.com' },
      { 'X-Tenant-ID': other.id, 'X-API-Key': other.apiKey },
    );
    const event = await ended(other.api, JSON.parse(answer.body).id, 'processed');
    expect(event.result.did.created).toBe(true);
  });
});

describe('payment.received', () => {
  it('makes and pays the invoice, once', async () => {
    await subscribe(['invoice.*']);
    await ended(api, await send('lead.captured', { email: 'payer@example.com' }), 'processed');
    const payment = { amount: 129.9, currency: 'brl', customer_email: 'payer@example.com', invoice_id: 'in_1042' };
    for (let i = 0; i < 2; i++) await ended(api, await send('payment.received', payment), 'processed');
    const rows = await app.database.query('select * from invoices');
    const [contact] = await contacts('payer@example.com');
    expect(rows).toMatchObject([
      { number: 'in_1042', status: 'paid', amount: '129.9000', currency: 'BRL', contact_id: contact!.id },
    ]);
    const told = (await received(2)).map(({ body }) => JSON.parse(body));
    expect(told.map((one) => one.event).sort()).toEqual(['invoice.created', 'invoice.paid']);
    for (const { data } of told) expect(data).toMatchObject({ invoice_id: 'in_1042', amount: 129.9, status: 'paid' });
  });

  it.each([
    [{ customer_email: 'a@b.c', invoice_id: 'x' }, 'amount'],
    [{ amount: '-5', customer_email: 'a@b.c', invoice_id: 'x' }, 'amount'],
    [{ amount: 5, invoice_id: 'x' }, 'customer_email'],
    [{ amount: 5, customer_email: 'a@b.c' }, 'invoice_id'],
  ])('%j fails and names %s', async (body, field) => {
    expect((await ended(api, await send('payment.received', body), 'failed')).errorMessage).toContain(`"${field}"`);
  });
});

describe('processing', () => {
  it('of a name nobody handles is done with that', async () => {
    expect(await ended(api, await send('nobody.handles', { a: 1 }), 'processed')).toMatchObject({
      attemptCount: 1,
      attempts: [{ outcome: 'processed' }],
      result: {},
    });
  });

  it('is tried again with growing pauses when something on our side fails, then given up and told', async () => {
    await subscribe(['inbound.failed']);
    await app.database.query('alter table contacts rename to contacts_away');
    const id = await send('lead.captured', { email: 'retry@example.com' });
    const waits = [10, 60, 300, 1800, 7200];
    for (const [i, seconds] of waits.entries()) {
      const event = await eventually(async () => {
        const shown = await api.get(`/api/v1/inbound-events/${id}`);
        expect(shown.attempts).toHaveLength(i + 1);
        return shown;
      });
      expect(event).toMatchObject({ status: 'received', errorMessage: expect.stringContaining('on our side') });
      expect(event.errorMessage).not.toMatch(/src\/|contacts/);
      const waitS = (Date.parse(event.nextAttemptAt) - clock.now().getTime()) / 1000;
      expect(waitS).toBeGreaterThanOrEqual(seconds);
      expect(waitS).toBeLessThanOrEqual(seconds * 1.1);
      clock.advance({ seconds: waitS });
    }
    const given = await ended(api, id, 'failed');
    expect(given.attempts.map((attempt: { outcome: string }) => attempt.outcome)).toEqual([
      ...waits.map(() => 'retry'),
      'failed',
    ]);
    expect(JSON.parse((await received(1))[0]!.body)).toMatchObject({ event: 'inbound.failed', data: { attempts: 6 } });
    await app.database.query('alter table contacts_away rename to contacts');

    await api.post(`/api/v1/inbound-events/${id}/reprocess`, {}, 202);
    const done = await ended(api, id, 'processed');
    expect(done).toMatchObject({ attemptCount: 1, errorMessage: null });
    expect(done.attempts).toHaveLength(7);
    expect(await contacts('retry@example.com')).toHaveLength(1);
  });

  it('leaves nothing behind when it fails halfway', async () => {
    await subscribe(['contact.created']);
    // The contact is written, then the event of it cannot be.
    await app.database.query('alter table deliveries rename to deliveries_away');
    const id = await send('lead.captured', { email: 'half@example.com' });
    await eventually(async () => expect((await api.get(`/api/v1/inbound-events/${id}`)).attempts).toHaveLength(1));
    expect(await contacts('half@example.com')).toEqual([]);
    await app.database.query('alter table deliveries_away rename to deliveries');
    clock.advance({ seconds: 11 });
    await ended(api, id, 'processed');
    expect(await contacts('half@example.com')).toHaveLength(1);
    await received(1);
  });
});

describe('processing again', () => {
  it('changes nothing twice', async () => {
    await subscribe(['contact.*']);
    const id = await send('lead.captured', { email: 'again@example.com' });
    await ended(api, id, 'processed');
    await received(1);
    for (let i = 0; i < 3; i++) {
      await api.post(`/api/v1/inbound-events/${id}/reprocess`, {}, 202);
      expect((await ended(api, id, 'processed')).attempts).toHaveLength(i + 2);
    }
    expect(await contacts('again@example.com')).toHaveLength(1);
    expect(receiver.requests).toHaveLength(1);
  });

  it('of all that match is a job with progress', async () => {
    for (let n = 0; n < 250; n += 50) await Promise.all(Array.from({ length: 50 }, () => send('bulk.one', { n })));
    const attempts = async () => {
      const [row] = await app.database.query<{ n: number }>(
        "select count(*)::int as n from inbound_attempts a join integration_events e on e.id = a.event_id where e.event_name = 'bulk.one'",
      );
      return row!.n;
    };
    await eventually(async () => expect(await attempts()).toBe(250));
    const job = await api.post('/api/v1/inbound-events/reprocess', { eventName: 'bulk.one', status: 'processed' }, 202);
    expect(job).toMatchObject({ kind: 'inbound-events.reprocess', status: 'queued', total: 250 });
    await eventually(async () =>
      expect(await api.get(`/api/v1/jobs/${job.id}`)).toMatchObject({
        status: 'succeeded',
        done: 250,
        failed: 0,
        error: null,
      }),
    );
    await eventually(async () => expect(await attempts()).toBe(500));
    expect((await api.get('/api/v1/jobs?kind=inbound-events.reprocess')).data[0].id).toBe(job.id);
    const other = await anotherTenant(app, 'other-jobs');
    await other.api.get(`/api/v1/jobs/${job.id}`, 404);
    await api.post('/api/v1/inbound-events/reprocess', { status: 'received' }, 422);
  });
});

describe('handlers', () => {
  const handler = (...handles: string[]): InboundHandler => ({
    handles,
    handle: async () => ({ kind: 'processed', did: {} }),
  });

  it.each([
    [[handler('api:a.b'), handler('api:a.b')], 'does already'],
    [[handler('stripes:a.b')], 'there is no source "stripes"'],
    [[handler('lead.captured')], 'there is no source'],
    [[handler('api:')], 'no event name'],
    [[handler()], 'handles nothing'],
  ])('with a mistake end the start: %#', (handlers, words) => {
    expect(() => new HandlerRegistry(handlers)).toThrow(words);
  });

  it('are these', () => {
    expect(app.app.get(HandlerRegistry).names).toEqual([
      'api:lead.captured',
      'api:payment.received',
      'calcom:BOOKING_CANCELLED',
      'calcom:BOOKING_CREATED',
      'calcom:BOOKING_RESCHEDULED',
      'calcom:MEETING_ENDED',
      'calendly:invitee.canceled',
      'calendly:invitee.created',
      'chatwoot:contact_created',
      'chatwoot:contact_updated',
      'chatwoot:conversation_created',
      'chatwoot:conversation_status_changed',
      'chatwoot:message_created',
      'evolution:messages.upsert',
      'google-pubsub:gmail.notification',
      'twenty:opportunity.created',
      'twenty:opportunity.updated',
      'twenty:person.created',
      'twenty:person.updated',
      'twilio:message.received',
      'twilio:message.sent',
    ]);
  });
});

describe('messages of providers', () => {
  it('from Chatwoot are told in both vocabularies', async () => {
    await subscribe(['message.*', 'whatsapp.*']);
    const source = await makeSource(api, { provider: 'chatwoot' });
    const seconds = String(Math.floor(clock.now().getTime() / 1000));
    const message = (fields: object) =>
      JSON.stringify({
        event: 'message_created',
        id: 98766,
        content: 'Oi',
        content_type: 'text',
        message_type: 'incoming',
        private: false,
        created_at: '2026-05-11T12:00:00.000Z',
        sender: { id: 42, name: 'Ana', phone_number: '+55 11 99999-0000' },
        conversation: { id: 85, channel: 'Channel::Api', meta: { sender: { id: 42, phone_number: '+5511999990000' } } },
        ...fields,
      });
    const give = async (body: string) => {
      const answer = await post(app, source, body, [
        ['X-Chatwoot-Timestamp', seconds],
        ['X-Chatwoot-Signature', `sha256=${sign(`${seconds}.${body}`)}`],
      ]);
      return String(answer.headers['x-posthaste-event']);
    };
    await ended(api, await give(message({})), 'processed');
    const told = (await received(3)).map(({ body }) => JSON.parse(body)).sort((a, b) => (a.event < b.event ? -1 : 1));
    expect(told).toMatchObject([
      {
        event: 'message.received',
        data: {
          conversation_id: '85',
          message_id: '98766',
          from: '5511999990000',
          text: 'Oi',
          type: 'TEXT',
          channel: 'whatsapp',
        },
      },
      {
        event: 'whatsapp.conversa.criada',
        data: { id: '85', telefone: '5511999990000', nome: 'Ana', isGroup: false },
      },
      {
        event: 'whatsapp.mensagem.recebida',
        data: {
          conversaId: '85',
          mensagemId: '98766',
          remetente: '5511999990000',
          conteudo: 'Oi',
          tipo: 'TEXT',
          recebidoEm: '2026-05-11T12:00:00.000Z',
        },
      },
    ]);
    for (const { event, data } of told) {
      const { schema } = await api.get(`/api/v1/event-types/${event}`);
      for (const name of schema.required) expect(data).toHaveProperty(name);
    }
    await ended(api, await give(message({ id: 2, message_type: 'outgoing' })), 'processed');
    expect(
      (await received(5))
        .slice(3)
        .map(({ body }) => JSON.parse(body).event)
        .sort(),
    ).toEqual(['message.sent', 'whatsapp.mensagem.enviada']);
    const note = await ended(api, await give(message({ id: 3, private: true })), 'ignored');
    expect(note.errorMessage).toContain('private note');
    expect(receiver.requests).toHaveLength(5);
  });

  it('are left out in vocabularies the tenant does not use, and where nobody subscribes', async () => {
    await subscribe(['email.*']);
    const before = await countOf(app, 'events');
    await api.patch('/api/v1/tenant', { settings: { vocabularies: ['crm'] } });
    const source = await makeSource(api, { provider: 'evolution', settings: { header: 'X-Evo' } });
    const body = JSON.stringify({
      event: 'messages.upsert',
      instance: 'clinica',
      data: {
        key: { remoteJid: '5511999990000@s.whatsapp.net', fromMe: false, id: '3EB0' },
        message: { conversation: 'oi' },
        messageTimestamp: 1765000000,
      },
    });
    const answer = await post(app, source, body, [['X-Evo', 'a-secret-of-these-tests']]);
    await ended(api, String(answer.headers['x-posthaste-event']), 'processed');
    expect(await countOf(app, 'events')).toBe(before);
    await subscribe(['message.received', 'whatsapp.mensagem.recebida']);
    await api.post(`/api/v1/inbound-events/${answer.headers['x-posthaste-event']}/reprocess`, {}, 202);
    const [only] = await received(1);
    expect(JSON.parse(only!.body)).toMatchObject({
      event: 'message.received',
      data: { from: '5511999990000', received_at: '2025-12-06T05:46:40.000Z' },
    });
    await api.patch('/api/v1/tenant', { settings: { vocabularies: null } });
  });
});
