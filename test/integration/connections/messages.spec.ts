import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvolutionClient } from '../../../src/connections/evolution-client.js';
import type { GmailClient } from '../../../src/connections/gmail-client.js';
import type { TwilioClient } from '../../../src/connections/twilio-client.js';
import { WebhookRenewer } from '../../../src/connections/webhook-renewer.js';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { EvolutionServer } from '../../support/providers/evolution.js';
import { GmailServer } from '../../support/providers/gmail.js';
import { TwilioServer } from '../../support/providers/twilio.js';
import { TestClock } from '../../support/test-clock.js';
import { check, clientsOf, connectEvolution, connectGmail, connectTwilio, register } from './connections.js';

let app: TestApp;
let api: Api;
let twilio: TwilioServer;
let evolution: EvolutionServer;
let gmail: GmailServer;

beforeAll(async () => {
  [twilio, evolution, gmail] = await Promise.all([TwilioServer.start(), EvolutionServer.start(), GmailServer.start()]);
  app = await startTestApp({ config: { GOOGLE_CERTS_URL: `${gmail.url}/certs` } });
  for (const server of [twilio, evolution, gmail]) server.reach = app.url;
  api = Api.of(app);
});
afterAll(() => Promise.all([app.close(), twilio.close(), evolution.close(), gmail.close()]));

describe('Twilio', () => {
  let connection: { id: string };
  let client: TwilioClient;
  beforeAll(async () => {
    connection = await connectTwilio(api, twilio);
    client = (await clientsOf(app).twilio(app.tenant.id)) as TwilioClient;
  });

  it('sends from the usual number, by WhatsApp where one side is a WhatsApp address, with media', async () => {
    const sent = await client.sendMessage({ to: '+5511999990000', body: 'Olá' });
    expect(sent).toMatchObject({ status: 'queued', from: '+14155238886' });
    const mediaUrls = ['https://x.example/1.png', 'https://x.example/2.png'];
    await client.sendMessage({ to: 'whatsapp:+5511999990000', body: 'Oi', mediaUrls });
    expect(twilio.messages.at(-1)).toMatchObject({ from: 'whatsapp:+14155238886', media: mediaUrls });
    expect(await client.getMessage(sent.sid)).toMatchObject({ body: 'Olá' });
    await expect(client.sendMessage({ to: 'ana', body: 'x' })).rejects.toThrow(
      `Twilio did not send the message: it does not take what was sent. It says: "Invalid 'To' Phone Number: ana" (400)`,
    );
  });

  it('tells our URL to the number, and what it signs is accepted', async () => {
    const { url, externalId } = await register(api, connection);
    expect(twilio.numbers).toMatchObject([{ sid: externalId, sms_url: url }]);
    const sent = await twilio.receive(url, 'whatsapp:+5511999990000', 'Oi');
    expect(sent.answer).toMatchObject({ status: 200, body: '<Response/>' });
    expect((await api.get('/api/v1/inbound-events?source=twilio')).data).toMatchObject([
      { eventName: 'message.received' },
    ]);
    const other = 'https://proxy.example/hook';
    await register(api, connection, { url: other });
    const { sourceId } = (await api.get(`/api/v1/connections/${connection.id}`)).webhook;
    expect((await api.get(`/api/v1/sources/${sourceId}`)).settings).toMatchObject({ publicUrl: other });
  });

  it('is checked: a suspended account and a foreign number are named; deleting takes the URL back', async () => {
    expect(await check(api, connection)).toMatchObject({ ok: true });
    twilio.status = 'suspended';
    expect((await check(api, connection)).abilities).toMatchObject([
      { ok: false, message: 'The credentials are accepted, but the account is suspended and cannot send.' },
    ]);
    twilio.status = 'active';
    await api.patch(`/api/v1/connections/${connection.id}`, { settings: { from: '+15005550006' } });
    expect((await check(api, connection)).abilities[1].message).toContain(
      'The account has no telephone number +15005550006',
    );
    await api.patch(`/api/v1/connections/${connection.id}`, { settings: { from: '+14155238886' } });
    await api.delete(`/api/v1/connections/${connection.id}`);
    expect(twilio.numbers).toMatchObject([{ sms_url: '' }]);
  });

  it('says what is left to do by hand for a WhatsApp sender', async () => {
    const { id } = await connectTwilio(api, twilio, { settings: { from: 'whatsapp:+14155238886' } });
    const { note, url, externalId } = await register(api, { id });
    expect(externalId).toBeNull();
    expect(note).toContain(url);
    const sent = await twilio.receive(url, 'whatsapp:+5511999990000', 'Oi');
    expect(sent.answer.status).toBe(200);
  });
});

describe('Evolution API', () => {
  it('sends texts to a number in any spelling, and is checked', async () => {
    const connection = await connectEvolution(api, evolution);
    const client = (await clientsOf(app).evolution(app.tenant.id)) as EvolutionClient;
    expect(await client.sendText({ number: '+55 (11) 99999-0000', text: 'Oi' })).toMatchObject({
      key: { remoteJid: '5511999990000@s.whatsapp.net', fromMe: true },
    });
    await expect(client.sendText({ number: '12', text: 'Oi' })).rejects.toThrow('number 12 does not exist on WhatsApp');
    evolution.state = 'close';
    expect((await check(api, connection)).abilities).toMatchObject([
      { name: 'credentials', ok: true },
      { name: 'whatsapp', ok: false, message: expect.stringContaining('scan its QR code') },
      { name: 'webhooks', ok: true },
    ]);
    evolution.state = 'open';
  });

  it('has one webhook, whose token of the source is accepted; it goes with the connection', async () => {
    const [{ id }] = (await api.get('/api/v1/connections?provider=evolution')).data;
    await register(api, { id });
    const { url } = await register(api, { id });
    expect(evolution.webhook).toMatchObject({
      enabled: true,
      url,
      events: expect.arrayContaining(['MESSAGES_UPSERT']),
    });
    const [sent] = await evolution.receive('+5511999990000', 'Oi');
    expect(sent?.answer.status).toBe(200);
    expect((await api.get('/api/v1/inbound-events?source=evolution')).data).toMatchObject([
      { eventName: 'messages.upsert', authenticated: true },
    ]);
    await api.delete(`/api/v1/connections/${id}`);
    expect(evolution.webhook).toMatchObject({ enabled: false });
  });
});

describe('Gmail', () => {
  let connection: { id: string };
  let client: GmailClient;
  beforeAll(async () => {
    connection = await connectGmail(api, gmail);
    client = (await clientsOf(app).gmail(app.tenant.id)) as GmailClient;
  });

  it('is read from the history of a push on, page by page, with a token that is renewed when it was revoked', async () => {
    const { historyIdBefore } = gmail.receiveMail({
      from: 'Ana <ana@example.com>',
      subject: 'Consulta',
      text: 'Olá, às 15h?',
    });
    gmail.receiveMail({ from: 'bia@example.com', subject: 'Oi', text: 'x' });
    gmail.pageSize = 1;
    const history = await client.listHistory(historyIdBefore);
    expect(history).toMatchObject({ messageIds: [expect.any(String), expect.any(String)], historyId: '1020' });
    gmail.revokeAccessTokens();
    expect(await client.getMessage(history?.messageIds[0] as string)).toMatchObject({
      from: 'Ana <ana@example.com>',
      subject: 'Consulta',
      text: 'Olá, às 15h?',
      labels: expect.arrayContaining(['INBOX']),
    });
    expect(await client.getMessage('gone')).toBeNull();
    gmail.oldestHistoryId = 1015;
    expect(await client.listHistory(historyIdBefore)).toBeNull();
    expect(gmail.requestsTo(/\/token$/)).toHaveLength(2);
  });

  it('sends in any language, and no header can be smuggled in', async () => {
    await client.send({
      to: 'Ana Conceição <ana@example.com>',
      subject: 'Sua consulta está confirmada para amanhã às 15 horas — até lá!\r\nBcc: thief@example.com',
      text: 'Até amanhã',
      inReplyTo: '<1@mail.example>',
    });
    const mail = gmail.outbox.at(-1) as string;
    const [head = '', text = ''] = mail.split('\r\n\r\n');
    expect(head).not.toMatch(/^Bcc:/m);
    expect(head).toMatch(/^To: =\?utf-8\?B\?[^ ]+\?= <ana@example\.com>$/m);
    expect(head).toMatch(/^In-Reply-To: <1@mail\.example>$/m);
    const subject = [...(/^Subject: ([\s\S]*?)\r\n(?! )/m.exec(head)?.[1] ?? '').matchAll(/=\?utf-8\?B\?([^?]+)\?=/g)];
    expect(subject.map(([, word]) => Buffer.from(word as string, 'base64').toString()).join('')).toContain('até lá!');
    expect(Buffer.from(text, 'base64').toString()).toBe('Até amanhã');
  });

  it('is watched for a topic, says what is left to do in Google Cloud, and its push is accepted', async () => {
    const { url, note } = await register(api, connection);
    expect(gmail.watching).toMatchObject({ topicName: gmail.topic, labelIds: ['INBOX'] });
    expect(note).toContain(url);
    expect((await gmail.push(url)).answer.status).toBe(200);
  });

  it('is watched again each day by a worker, also when it failed the time before', async () => {
    gmail.watching = null;
    const later = new TestClock(new Date(Date.now() + 20 * 3_600_000));
    const other = await startTestApp({ database: app.database, clock: later });
    const renewer = other.app.get(WebhookRenewer, { strict: false });
    await renewer.renew();
    expect(gmail.watching).toBeNull();
    later.advance({ hours: 5 });
    gmail.failNext(403, { on: /watch$/ });
    await renewer.renew();
    expect(gmail.watching).toBeNull();
    await renewer.renew();
    expect(gmail.watching).toMatchObject({ topicName: gmail.topic });
    await other.close();
    await api.delete(`/api/v1/connections/${connection.id}`);
    expect(gmail.watching).toBeNull();
  });

  it('is checked: a missing scope and a revoked grant are named; without a topic nothing is registered', async () => {
    gmail.scopes = ['https://www.googleapis.com/auth/gmail.readonly'];
    const other = await connectGmail(api, gmail, { settings: { tokenUrl: `${gmail.url}/token` } });
    expect((await check(api, other)).abilities).toMatchObject([
      { name: 'credentials', ok: true, message: expect.stringContaining('clinic@example.com') },
      { name: 'read', ok: true },
      { name: 'send', ok: false, message: expect.stringContaining('gmail.send') },
      { name: 'push', ok: false },
    ]);
    expect((await register(api, other, {}, 422)).detail).toContain('"topic" and "pushServiceAccount"');
    const credentials = { refreshToken: 'revoked', clientId: 'x', clientSecret: 'y' };
    await api.patch(`/api/v1/connections/${other.id}`, { credentials });
    const { abilities } = await check(api, other);
    expect(abilities).toMatchObject([
      { ok: false, message: expect.stringContaining('Google did not give an access token for the refresh token') },
    ]);
  });
});
