import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChatwootClient } from '../../../src/connections/chatwoot-client.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { ChatwootServer } from '../../support/providers/chatwoot.js';
import { check, clientsOf, connectChatwoot, register } from './connections.js';

let app: TestApp;
let api: Api;
let chatwoot: ChatwootServer;
let connection: { id: string };
let client: ChatwootClient;

beforeAll(async () => {
  [app, chatwoot] = await Promise.all([startTestApp(), ChatwootServer.start()]);
  chatwoot.reach = app.url;
  api = Api.of(app);
  connection = await connectChatwoot(api, chatwoot);
  client = (await clientsOf(app).chatwoot(app.tenant.id)) as ChatwootClient;
});
afterAll(() => Promise.all([app.close(), chatwoot.close()]));
beforeEach(() => {
  chatwoot.contacts.length = 0;
  chatwoot.conversations.length = 0;
});

describe('contacts in Chatwoot', () => {
  it('are found exactly, however many others the search brings', async () => {
    for (let i = 0; i < 20; i++) chatwoot.addContact({ name: `Other ${i}`, email: `x${i}.ana@example.com` });
    const ana = chatwoot.addContact({ name: 'Ana', email: 'Ana@example.com', phone_number: '+5511999990000' });
    chatwoot.addContact({ name: 'Bia', identifier: 'bia-1' });
    expect(await client.findContact({ email: 'ana@EXAMPLE.com' })).toMatchObject({ id: ana.id });
    expect(await client.findContact({ email: 'nobody@example.com', phone: '+55 11 99999-0000' })).toMatchObject({
      id: ana.id,
    });
    expect(await client.findContact({ identifier: 'bia-1' })).toMatchObject({ name: 'Bia' });
    expect(await client.findContact({ email: 'ana@example.com.br' })).toBeNull();
    const { contacts, more } = await client.listContacts(2);
    expect(contacts).toHaveLength(7);
    expect(more).toBe(false);
  });

  it('are created in the inbox, changed with their attributes merged, and refused when a value is taken', async () => {
    const made = await client.createContact({
      name: 'Ana',
      email: 'ana@example.com',
      phone: '(no country) 99999',
      customAttributes: { twenty_id: 'uuid-1' },
    });
    expect(made).toMatchObject({ phone_number: null, contact_inboxes: [{ inbox: { id: 1 } }] });
    const changed = await client.updateContact(made.id, {
      phone: '+5511999990000',
      customAttributes: { plan: 'gold' },
    });
    expect(changed).toMatchObject({
      phone_number: '+5511999990000',
      custom_attributes: { twenty_id: 'uuid-1', plan: 'gold' },
    });
    await expect(client.createContact({ name: 'B', phone: '+5511999990000' })).rejects.toMatchObject({
      failure: 'conflict',
      message: expect.stringContaining('phone_number has already been taken'),
    });
    expect(await client.getContact(999_999)).toBeNull();
  });
});

describe('conversations in Chatwoot', () => {
  it('are continued while they are open, else begun, with what the inbox needs for it', async () => {
    const contact = chatwoot.addContact({ name: 'Ana' });
    chatwoot.addConversation(contact.id, { status: 'resolved' });
    chatwoot.addConversation(contact.id, { inbox_id: 2 });
    const begun = await client.ensureConversation(contact.id);
    expect(begun).toMatchObject({ inbox_id: 1, status: 'open' });
    expect(await client.ensureConversation(contact.id)).toMatchObject({ id: begun.id });
    expect(chatwoot.conversations).toHaveLength(3);
    expect((await client.listConversations({ inboxId: 1 })).conversations).toHaveLength(2);
  });

  it('take messages and notes, and show them', async () => {
    const conversation = chatwoot.addConversation(chatwoot.addContact({ name: 'Ana' }).id);
    await client.sendMessage(conversation.id, { content: 'Olá!' });
    await client.sendMessage(conversation.id, { content: 'asks for a person', private: true });
    expect(await client.listMessages(conversation.id)).toMatchObject([
      { content: 'Olá!', message_type: 1, private: false },
      { content: 'asks for a person', private: true },
    ]);
    await client.setStatus(conversation.id, 'pending');
    await client.setLabels(conversation.id, ['vip']);
    await client.setConversationAttributes(conversation.id, { ai: 'off' });
    await client.assign(conversation.id, { teamId: 3 });
    expect(await client.getConversation(conversation.id)).toMatchObject({
      status: 'pending',
      labels: ['vip'],
      custom_attributes: { ai: 'off' },
      team_id: 3,
    });
  });
});

describe('a check of a Chatwoot connection', () => {
  it('says whose token it is, and what an agent may not do', async () => {
    expect(await check(api, connection)).toMatchObject({
      ok: true,
      abilities: [
        {
          name: 'credentials',
          message: 'The access token is accepted; it is that of an administrator of the account.',
        },
        { name: 'inbox', message: 'The inbox is there: WhatsApp.' },
        { name: 'contacts', ok: true },
        { name: 'conversations', ok: true },
        { name: 'webhooks', ok: true },
      ],
    });
    chatwoot.role = 'agent';
    const { ok, abilities } = await check(api, connection);
    chatwoot.role = 'administrator';
    expect(ok).toBe(false);
    expect(abilities.filter((one: { ok: boolean }) => !one.ok)).toMatchObject([
      { name: 'webhooks', message: expect.stringContaining('the access token of an administrator of the account') },
    ]);
  });

  it('names a wrong account and a wrong inbox', async () => {
    const other = await connectChatwoot(api, chatwoot, { settings: { accountId: 2, inboxId: 1 } });
    const { abilities } = await check(api, other);
    expect(abilities).toMatchObject([{ message: expect.stringContaining('but not for account 2: it is of 1.') }]);
    await api.patch(`/api/v1/connections/${other.id}`, { settings: { accountId: 1, inboxId: 9 } });
    expect((await check(api, other)).abilities[1]).toMatchObject({
      ok: false,
      message: expect.stringContaining('There is no inbox 9 in this account.'),
    });
    await api.delete(`/api/v1/connections/${other.id}`);
  });
});

describe('webhooks at Chatwoot', () => {
  it("are verified with the secret that Chatwoot made, and a contact's message comes in", async () => {
    const registered = await register(api, connection);
    expect(registered).toMatchObject({ note: null, events: expect.arrayContaining(['message_created']) });
    const conversation = chatwoot.addConversation(chatwoot.addContact({ name: 'Ana' }).id);
    await chatwoot.receive(conversation, 'Oi');
    expect(chatwoot.sent.at(-1)?.answer.status).toBe(200);
    const { data } = await api.get('/api/v1/inbound-events?source=chatwoot');
    expect(data).toMatchObject([{ eventName: 'message_created', authenticated: true, sourceId: registered.sourceId }]);
    const forged = await chatwoot.send({ url: registered.url, secret: 'not the secret' }, 'message_created', {});
    expect(forged.answer.status).toBe(401);
    expect(await clientsOf(app).findOfSource(app.tenant.id, registered.sourceId)).toMatchObject({
      connection: { id: connection.id },
    });
  });

  it('of a Chatwoot too old to sign are registered with a word about it, and refused until somebody allows that', async () => {
    const old = await ChatwootServer.start();
    old.signs = false;
    old.reach = app.url;
    const other = await connectChatwoot(api, old);
    const registered = await register(api, other);
    expect(registered.note).toContain('does not sign');
    expect(
      (await old.send({ url: registered.url, secret: undefined }, 'contact_created', { id: 1 })).answer.status,
    ).toBe(401);
    await api.patch(`/api/v1/sources/${registered.sourceId}`, { settings: { allowUnsigned: true } });
    expect(
      (await old.send({ url: registered.url, secret: undefined }, 'contact_created', { id: 1 })).answer.status,
    ).toBe(200);
    await old.close();
  });
});
