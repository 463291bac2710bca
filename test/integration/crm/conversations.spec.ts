import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { TestClock } from '../../support/test-clock.js';
import { anotherTenant, countOf, ended, makeSource, post, SECRET } from '../inbound/inbound.js';
import { makeContact, Partner, pagesOf, pointers, totalsOf } from './crm.js';

const clock = new TestClock();
let app: TestApp;
let api: Api;
let other: Awaited<ReturnType<typeof anotherTenant>>;
let partner: Partner;

beforeAll(async () => {
  app = await startTestApp({ clock });
  api = Api.of(app);
  other = await anotherTenant(app, 'other-talks');
});
afterAll(() => app.close());
beforeEach(async () => {
  partner = await Partner.of(api, ['message.*', 'whatsapp.*', 'contact.created']);
});
afterEach(() => partner.leave());

const open = (fields: object = {}, status = 201) =>
  api.post('/api/v1/conversations', { channel: 'webchat', ...fields }, status);

describe('a conversation', () => {
  it('on WhatsApp is told with the number and name of its contact, and counted on it', async () => {
    const contact = await makeContact(app, { firstName: 'João', lastName: 'Silva', phone: '+5511999999999' });
    const conversation = await open({ channel: 'whatsapp', contactId: contact.id });
    expect(conversation).toMatchObject({ party: '5511999999999', status: 'open', aiEnabled: true, messageCount: 0 });
    const [told] = await partner.hears('whatsapp.conversa.criada');
    expect(told!.data).toEqual({
      id: conversation.id,
      telefone: '5511999999999',
      nome: 'João Silva',
      isGroup: false,
      criadaEm: conversation.createdAt,
    });
    expect(await totalsOf(app, contact.id)).toMatchObject({ conversationsCount: 1 });

    const path = `/api/v1/conversations/${conversation.id}`;
    const second = await makeContact(app);
    expect(await api.patch(path, { contactId: second.id, aiEnabled: false })).toMatchObject({ aiEnabled: false });
    expect(await totalsOf(app, contact.id)).toMatchObject({ conversationsCount: 0 });
    expect(await totalsOf(app, second.id)).toMatchObject({ conversationsCount: 1 });
    await api.post(`${path}/messages`, { direction: 'received' }, 201);
    await api.delete(path);
    expect(await totalsOf(app, second.id)).toMatchObject({ conversationsCount: 0 });
    await api.get(path, 404);
    expect(await app.prisma.message.count({ where: { conversationId: conversation.id } })).toBe(0);
  });

  it('keeps messages, tells each in the vocabularies of its channel, and is open again when one comes in', async () => {
    const { id } = await open({ channel: 'whatsapp', party: '5511988887777' });
    const path = `/api/v1/conversations/${id}`;
    await api.patch(path, { status: 'closed' });
    const message = await api.post(
      `${path}/messages`,
      { direction: 'received', text: 'Oi', externalId: 'twilio:SM1', sentAt: '2026-01-01T10:00:00Z' },
      201,
    );
    expect(message).toMatchObject({ conversationId: id, author: 'contact', type: 'TEXT', text: 'Oi' });
    const [, received, recebida] = await partner.hears(
      'whatsapp.conversa.criada',
      'message.received',
      'whatsapp.mensagem.recebida',
    );
    expect(received!.data).toEqual({
      conversation_id: id,
      message_id: 'SM1',
      from: '5511988887777',
      text: 'Oi',
      type: 'TEXT',
      channel: 'whatsapp',
      received_at: '2026-01-01T10:00:00.000Z',
    });
    expect(recebida!.data).toEqual({
      conversaId: id,
      mensagemId: 'SM1',
      remetente: '5511988887777',
      conteudo: 'Oi',
      tipo: 'TEXT',
      recebidoEm: '2026-01-01T10:00:00.000Z',
    });
    expect(await api.get(path)).toMatchObject({
      status: 'open',
      messageCount: 1,
      lastMessageAt: '2026-01-01T10:00:00.000Z',
    });
    const twice = await api.post(`${path}/messages`, { direction: 'received', externalId: 'twilio:SM1' }, 409);
    expect(pointers(twice)).toEqual(['/externalId']);
    await api.post(`${path}/messages`, { direction: 'sent', author: 'ai', sentAt: '2025-01-01T10:00:00Z' }, 201);
    expect(await api.get(path)).toMatchObject({ messageCount: 2, lastMessageAt: '2026-01-01T10:00:00.000Z' });
    await partner.hears(
      'whatsapp.conversa.criada',
      'message.received',
      'whatsapp.mensagem.recebida',
      'message.sent',
      'whatsapp.mensagem.enviada',
    );
  });

  it('on another channel is told in message.* alone', async () => {
    const { id } = await open({ channel: 'email', contactId: (await makeContact(app, { email: 'a@b.example' })).id });
    await api.post(`/api/v1/conversations/${id}/messages`, { direction: 'sent', text: 'Hello' }, 201);
    const [sent] = await partner.hears('message.sent');
    expect(sent!.data).toMatchObject({ to: 'a@b.example', channel: 'email' });
  });

  it.each([
    [{ channel: 'WhatsApp' }, '/channel'],
    [{ channel: 'whatsapp' }, '/party'],
    [{ status: 'ended' }, '/status'],
    [{ aiEnabled: null }, '/aiEnabled'],
    [{ title: 5 }, '/title'],
  ])('is refused as %j, with a pointer', async (fields, pointer) => {
    expect(pointers(await open(fields, 422))).toEqual([pointer]);
  });

  it.each([
    [{}, '/direction'],
    [{ direction: 'sent', author: 'robot' }, '/author'],
    [{ direction: 'sent', type: 'text' }, '/type'],
    [{ direction: 'sent', text: 'x'.repeat(10_001) }, '/text'],
    [{ direction: 'sent', sentAt: 'now' }, '/sentAt'],
  ])('takes no message like %j', async (fields, pointer) => {
    const { id } = await open();
    expect(pointers(await api.post(`/api/v1/conversations/${id}/messages`, fields, 422))).toEqual([pointer]);
  });

  it('is listed with filters, and its messages page by page', async () => {
    const contact = await makeContact(app);
    const made = [];
    for (const channel of ['webchat', 'sms', 'webchat'])
      made.unshift(await open({ channel, contactId: contact.id, aiEnabled: channel === 'sms' }));
    const ids = made.map(({ id }) => id);
    const of = `/api/v1/conversations?contactId=${contact.id}`;
    expect((await pagesOf(api, of)).map(({ id }) => id)).toEqual(ids);
    const listed = async (filter: string) =>
      (await api.get(`${of}&${filter}`)).data.map(({ id }: { id: string }) => id);
    expect(await listed('channel=webchat')).toEqual([ids[0], ids[2]]);
    expect(await listed('aiEnabled=true')).toEqual([ids[1]]);
    expect(await listed('status=closed')).toEqual([]);

    const path = `/api/v1/conversations/${ids[0]}/messages`;
    const messages = [];
    for (const [n, direction] of ['received', 'sent', 'received'].entries())
      messages.unshift(await api.post(path, { direction, sentAt: `2026-02-0${n + 1}T10:00:00Z` }, 201));
    expect(await pagesOf(api, path)).toEqual(messages);
    expect((await api.get(`${path}?direction=sent`)).data).toEqual([messages[1]]);
    expect((await api.get(`${path}?since=2026-02-02&until=2026-02-03`)).data).toEqual([messages[1]]);
    await other.api.get(path, 404);
  });

  it('of another tenant is not found', async () => {
    const { id } = await open({ externalId: 'chatwoot:7' });
    expect(pointers(await open({ externalId: 'chatwoot:7' }, 409))).toEqual(['/externalId']);
    const path = `/api/v1/conversations/${id}`;
    await other.api.get(path, 404);
    await other.api.patch(path, { title: 'x' }, 404);
    await other.api.post(`${path}/messages`, { direction: 'sent' }, 404);
    await other.api.delete(path, 404);
    const theirs = await makeContact(app, {}, other.id);
    expect(pointers(await open({ contactId: theirs.id }, 404))).toEqual(['/contactId']);
  });
});

describe('a message that Evolution tells of', () => {
  let source: Awaited<ReturnType<typeof makeSource>>;
  beforeAll(async () => {
    source = await makeSource(api, { provider: 'evolution', settings: { header: 'X-Evo' } });
  });

  const give = async (fields: { id: string; jid?: string; fromMe?: boolean; name?: string; instance?: string }) => {
    const {
      id,
      jid = '5511977776666@s.whatsapp.net',
      fromMe = false,
      name = 'Rui Costa',
      instance = 'clinica',
    } = fields;
    const body = JSON.stringify({
      event: 'messages.upsert',
      instance,
      data: {
        key: { remoteJid: jid, fromMe, id },
        pushName: name,
        message: { conversation: `text of ${id}` },
        messageTimestamp: 1765000000,
      },
    });
    const answer = await post(app, source, body, [['X-Evo', SECRET]]);
    return ended(api, String(answer.headers['x-posthaste-event']), 'processed');
  };

  it('is kept in its conversation, with a contact that is made once', async () => {
    const first = await give({ id: '3EB01' });
    const { conversationId, contactId } = first.result.did;
    const contact = await app.prisma.contact.findUniqueOrThrow({ where: { id: contactId } });
    expect(contact).toMatchObject({
      firstName: 'Rui',
      lastName: 'Costa',
      phone: '+5511977776666',
      whatsappPhone: '+5511977776666',
      source: 'evolution',
      conversationsCount: 1,
    });
    expect(await api.get(`/api/v1/conversations/${conversationId}`)).toMatchObject({
      externalId: 'evolution:5511977776666@s.whatsapp.net',
      party: '5511977776666',
      contactId,
      messageCount: 1,
    });
    const told = await partner.hears(
      'contact.created',
      'whatsapp.conversa.criada',
      'message.received',
      'whatsapp.mensagem.recebida',
    );
    expect(told[1]!.data).toMatchObject({ telefone: '5511977776666', nome: 'Rui Costa' });
    expect(told[2]!.data).toMatchObject({ conversation_id: '5511977776666@s.whatsapp.net', message_id: '3EB01' });

    const answer = await give({ id: '3EB02', fromMe: true, name: 'Clinic' });
    expect(answer.result.did).toMatchObject({ conversationId, contactId, message: 'sent' });
    const { data } = await api.get(`/api/v1/conversations/${conversationId}/messages`);
    expect(data).toMatchObject([
      { externalId: 'evolution:3EB02', direction: 'sent', author: 'agent', text: 'text of 3EB02' },
      {
        externalId: 'evolution:3EB01',
        direction: 'received',
        author: 'contact',
        metadata: { inboundEventId: first.id },
      },
    ]);
    expect(await api.get(`/api/v1/conversations/${conversationId}`)).toMatchObject({ title: 'Rui Costa' });
  });

  it('that comes twice is kept and told once', async () => {
    const first = await give({ id: '3EB03' });
    const { length } = first.result.published;
    await eventually(() => expect(partner.told).toHaveLength(length));
    const again = await give({ id: '3EB03', instance: 'the-other-one' });
    expect(again.result).toMatchObject({ did: { known: true }, published: [] });
    expect(partner.told).toHaveLength(length);
    expect(await app.prisma.message.count({ where: { externalId: 'evolution:3EB03' } })).toBe(1);
  });

  it('finds the contact that has the number, and fills in what was not known', async () => {
    const contact = await makeContact(app, { phone: '+5511955554444', firstName: 'Bia' });
    const event = await give({ id: '3EB04', jid: '5511955554444@s.whatsapp.net', name: 'Beatriz Lima' });
    expect(event.result.did.contactId).toBe(contact.id);
    expect(await app.prisma.contact.findUniqueOrThrow({ where: { id: contact.id } })).toMatchObject({
      firstName: 'Bia',
      lastName: null,
      whatsappPhone: '+5511955554444',
      conversationsCount: 1,
    });
  });

  it('of many at once from one number makes one contact and one conversation', async () => {
    const before = [await countOf(app, 'contacts'), await countOf(app, 'conversations')] as const;
    const jid = '5511933332222@s.whatsapp.net';
    await Promise.all(Array.from({ length: 12 }, (_, n) => give({ id: `3EC${n}`, jid })));
    expect(await countOf(app, 'contacts')).toBe(before[0] + 1);
    expect(await countOf(app, 'conversations')).toBe(before[1] + 1);
    const { data } = await api.get('/api/v1/conversations?party=5511933332222');
    expect(data).toMatchObject([{ messageCount: 12 }]);
  });

  it('in a group has no contact', async () => {
    const event = await give({ id: '3EB05', jid: '120363041234567890@g.us' });
    expect(await api.get(`/api/v1/conversations/${event.result.did.conversationId}`)).toMatchObject({
      isGroup: true,
      contactId: null,
      title: null,
    });
  });
});
