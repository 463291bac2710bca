import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { EvolutionServer } from '../../support/providers/evolution.js';
import { GmailServer } from '../../support/providers/gmail.js';
import { TwilioServer } from '../../support/providers/twilio.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { TestClock } from '../../support/test-clock.js';
import { connectEvolution, connectGmail, connectTwilio, register } from '../connections/connections.js';

const clock = new TestClock();
let app: TestApp;
let api: Api;
let receiver: Receiver;
let evolution: EvolutionServer;
let gmail: GmailServer;
let twilio: TwilioServer;
let mailUrl: string;

beforeAll(async () => {
  evolution = await EvolutionServer.start();
  gmail = await GmailServer.start();
  twilio = await TwilioServer.start();
  const certs = `${gmail.url}/certs`;
  app = await startTestApp({ clock, config: { RELAY_INTERVAL_MS: '20', GOOGLE_CERTS_URL: certs } });
  api = Api.of(app);
  for (const server of [evolution, gmail, twilio]) {
    server.reach = app.url;
    server.now = () => clock.now();
  }
  receiver = await startReceiver();
  const eventTypes = ['message.*', 'whatsapp.*', 'email.*'];
  await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes }, 201);
  await register(api, await connectEvolution(api, evolution));
  mailUrl = (await register(api, await connectGmail(api, gmail))).url;
});
afterAll(async () => {
  await app.close();
  await Promise.all([evolution, gmail, twilio, receiver].map((server) => server.close()));
});
beforeEach(() => {
  receiver.requests.length = 0;
});

const told = () =>
  receiver.requests.map(({ body }) => JSON.parse(body) as { event: string; data: Record<string, unknown> });
/** Once exactly these have been told, in whatever order. */
const tellsOf = (...types: string[]) =>
  eventually(() => {
    expect(
      told()
        .map(({ event }) => event)
        .sort(),
    ).toEqual([...types].sort());
    return Object.fromEntries(told().map(({ event, data }) => [event, data]));
  });
const conversation = async (query: string) => {
  const { data } = await api.get(`/api/v1/conversations?${query}`);
  expect(data).toHaveLength(1);
  return data[0] as { id: string; [field: string]: unknown };
};
const write = (id: string, body: object, status = 201) =>
  api.post(`/api/v1/conversations/${id}/messages`, { direction: 'sent', send: true, ...body }, status);
const task = (kind: string) =>
  eventually(async () => {
    const [found] = (await api.get(`/api/v1/automation-tasks?kind=${kind}&limit=1`)).data;
    expect(found?.status).not.toBe('pending');
    return found as { id: string; status: string; errorMessage: string | null };
  });

describe('WhatsApp by Evolution', () => {
  it('a message is kept and told in both vocabularies, and an answer through the API really goes out', async () => {
    await evolution.receive('+5511999990000', 'Oi');
    await tellsOf('message.received', 'whatsapp.mensagem.recebida', 'whatsapp.conversa.criada');
    const { id } = await conversation('channel=whatsapp');
    receiver.requests.length = 0;
    await write(id, { text: 'Olá Ana' });
    const events = await tellsOf('message.sent', 'whatsapp.mensagem.enviada');
    expect(evolution.messages).toMatchObject([{ number: '5511999990000', text: 'Olá Ana' }]);
    expect(events['message.sent']).toMatchObject({
      text: 'Olá Ana',
      message_id: evolution.messages[0]!.id,
      channel: 'whatsapp',
    });
    const { data } = await api.get(`/api/v1/conversations/${id}/messages`);
    expect(data[0]).toMatchObject({ direction: 'sent', externalId: `evolution:${evolution.messages[0]!.id}` });

    // Evolution tells of it too: it is known.
    const { number, id: key } = evolution.messages[0]!;
    await evolution.receive(number, 'Olá Ana', {
      key: { remoteJid: `${number}@s.whatsapp.net`, fromMe: true, id: key },
    });
    await eventually(async () => {
      const { data: events } = await api.get('/api/v1/inbound-events?limit=1');
      expect(events[0].status).toBe('processed');
    });
    expect((await api.get(`/api/v1/conversations/${id}/messages`)).data).toHaveLength(2);
    expect(told()).toHaveLength(2);
  });

  it('what may have been sent is not sent again by itself; a person decides', async () => {
    const { id } = await conversation('channel=whatsapp');
    evolution.failNext({ reset: true }, { on: /sendText/ });
    await write(id, { text: 'Uma vez' });
    const failed = await task('message.send');
    expect(failed).toMatchObject({
      status: 'failed',
      errorMessage: expect.stringContaining('not known whether it was sent'),
    });
    expect(told()).toEqual([]);
    await api.post(`/api/v1/automation-tasks/${failed.id}/retry`, {}, 200);
    await tellsOf('message.sent', 'whatsapp.mensagem.enviada');
    expect(evolution.messages.filter(({ text }) => text === 'Uma vez')).toHaveLength(1);
  });

  it('messages of one conversation go out in the order in which they were written', async () => {
    const { id } = await conversation('channel=whatsapp');
    for (const text of ['1', '2', '3', '4']) await write(id, { text });
    await eventually(() => expect(evolution.messages.slice(-4).map(({ text }) => text)).toEqual(['1', '2', '3', '4']));
  });

  it('is only recorded where nobody asked to send, and refused where nothing can', async () => {
    const { id } = await conversation('channel=whatsapp');
    const before = evolution.messages.length;
    await api.post(`/api/v1/conversations/${id}/messages`, { direction: 'sent', text: 'Telefonei' }, 201);
    await write(id, { text: 'x', direction: 'received' }, 409);
    await write(id, { text: 'x', externalId: 'evolution:1' }, 409);
    await write(id, {}, 409);
    const other = await api.post('/api/v1/conversations', { channel: 'sms', party: '5511988887777' }, 201);
    const problem = await write(other.id, { text: 'x' }, 409);
    expect(problem.detail).toContain('connect twilio first');
    expect((await api.get(`/api/v1/conversations/${other.id}/messages`)).data).toEqual([]);
    expect(evolution.messages).toHaveLength(before);
  });
});

describe('SMS by Twilio', () => {
  it('goes out by the connection of the channel', async () => {
    await connectTwilio(api, twilio);
    const { id } = await api.post('/api/v1/conversations', { channel: 'sms', party: '5511977776666' }, 201);
    await write(id, { text: 'Seu código' });
    await tellsOf('message.sent');
    expect(twilio.messages).toMatchObject([{ to: '+5511977776666', from: '+14155238886', body: 'Seu código' }]);
    // By this name the answers come.
    expect((await api.get(`/api/v1/conversations/${id}`)).externalId).toBe('twilio:5511977776666');
  });
});

describe('mail by Gmail', () => {
  it('a push leads to the mail itself, told once, and an answer joins its thread', async () => {
    const { id: mailId } = gmail.receiveMail({
      from: 'Ana Souza <ana@example.com>',
      subject: 'Uma dúvida',
      text: 'Abrem sábado?',
    });
    await gmail.push(mailUrl);
    const events = await tellsOf('email.received', 'email.recebido', 'message.received');
    expect(events['email.received']).toMatchObject({
      account_id: gmail.mailbox,
      message_id: mailId,
      subject: 'Uma dúvida',
      from: 'ana@example.com',
      text: 'Abrem sábado?',
    });
    expect(events['email.recebido']).toMatchObject({ remetente: 'ana@example.com', conteudo: 'Abrem sábado?' });
    const [contact] = await app.database.query(
      `select first_name, last_name from contacts where email = 'ana@example.com'`,
    );
    expect(contact).toEqual({ first_name: 'Ana', last_name: 'Souza' });

    receiver.requests.length = 0;
    gmail.receiveMail({ from: 'ana@example.com', subject: 'Outra', text: 'E domingo?' });
    await gmail.push(mailUrl);
    await gmail.push(mailUrl);
    await tellsOf('email.received', 'email.recebido', 'message.received');

    receiver.requests.length = 0;
    const { id } = await conversation(`externalId=gmail:${mailId}`);
    await write(id, { text: 'Sim, até as 12 h.' });
    const sent = await tellsOf('email.sent', 'email.enviado', 'message.sent');
    expect(sent['email.sent']).toMatchObject({
      account_id: gmail.mailbox,
      to: 'ana@example.com',
      subject: 'Uma dúvida',
    });
    expect(gmail.outbox).toHaveLength(1);
    expect(gmail.outbox[0]).toContain(`In-Reply-To: <${mailId}@mail.example>`);
  });
});
