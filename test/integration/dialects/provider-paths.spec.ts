import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { sendRaw } from '../../support/raw-request.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';
import { TestClock } from '../../support/test-clock.js';
import { anotherTenant, countOf, ended } from '../inbound/inbound.js';

const SECRET = 'the-secret-of-the-guides';
const PUBLIC_URL = 'https://api.example.com';
const clock = new TestClock();
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
let keyId = 'key-1';
let google: Receiver;
let app: TestApp;
let api: Api;
let other: Awaited<ReturnType<typeof anotherTenant>>;

beforeAll(async () => {
  google = await startReceiver({
    script: () => ({
      headers: { 'cache-control': 'public, max-age=3600' },
      body: JSON.stringify({
        keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'RS256', use: 'sig' }],
      }),
    }),
  });
  app = await startTestApp({ clock, config: { PUBLIC_URL, GOOGLE_CERTS_URL: `${google.url}/certs` } });
  api = Api.of(app);
  other = await anotherTenant(app, 'other-clinic');
});
afterAll(async () => {
  await app.close();
  await google.close();
});
beforeEach(async () => {
  for (const one of [api, other.api])
    for (const { id } of (await one.get('/api/v1/sources')).data) await one.delete(`/api/v1/sources/${id}`);
});

const hmac = (text: string, hash = 'sha256') => createHmac(hash, SECRET).update(text).digest('hex');
const makeSource = (of: Api, provider: string, fields: object = {}) =>
  of.post('/api/v1/sources', { provider, name: provider, secret: SECRET, ...fields }, 201);
const post = (path: string, body: string, headers: Record<string, string>) =>
  sendRaw(app.url + path, { body, headers: Object.entries({ 'Content-Type': 'application/json', ...headers }) });

// The bodies are the guide's own, field by field.
const BODIES = {
  twenty:
    '{"eventName":"person.created","record":{"id":"uuid","name":{"firstName":"Ana","lastName":"Souza"},"email":{"primaryEmail":"ana@example.com"},"phone":{"primaryPhoneNumber":"119"}}}',
  calcom:
    '{"triggerEvent":"BOOKING_CREATED","payload":{"title":"Reunião de 15 min","startTime":"2026-01-23T10:00:00Z","attendees":[{"email":"patient@example.com","name":"Patient Name"}],"metadata":{"twenty_opportunity_id":"optional-uuid"}}}',
  chatwoot:
    '{"event":"contact_created","contact":{"id":1,"name":"Patient Name","email":"patient@example.com","phone_number":"+5511999990000","custom_attributes":{}}}',
  calendly:
    '{"event":"invitee.created","created_at":"2026-02-10T14:00:00.000000Z","payload":{"uri":"https://api.calendly.com/scheduled_events/E/invitees/I","email":"maria@example.com","name":"Maria Lima","scheduled_event":{"uri":"https://api.calendly.com/scheduled_events/E","name":"Consulta","start_time":"2026-02-12T14:00:00.000000Z","end_time":"2026-02-12T14:30:00.000000Z"}}}',
};
const ms = () => String(clock.now().getTime());
const s = () => String(Math.floor(clock.now().getTime() / 1000));

/** [what, path, provider, event name, headers]: what the provider really sends, then what its guide prints. */
const FORMS: [string, string, keyof typeof BODIES, string, () => Record<string, string>][] = [
  [
    'Twenty',
    '/sync/webhooks/twenty',
    'twenty',
    'person.created',
    () => ({ 'X-Twenty-Webhook-Timestamp': ms(), 'X-Twenty-Webhook-Signature': hmac(`${ms()}:${BODIES.twenty}`) }),
  ],
  [
    'Twenty with sha256=',
    '/sync/webhooks/twenty',
    'twenty',
    'person.created',
    () => ({
      'X-Twenty-Webhook-Timestamp': s(),
      'X-Twenty-Webhook-Signature': `sha256=${hmac(`${s()}:${BODIES.twenty}`)}`,
    }),
  ],
  [
    'Cal.com',
    '/sync/webhooks/calcom',
    'calcom',
    'BOOKING_CREATED',
    () => ({ 'X-Cal-Signature-256': hmac(BODIES.calcom) }),
  ],
  [
    'Cal.com with sha256=',
    '/sync/webhooks/calcom',
    'calcom',
    'BOOKING_CREATED',
    () => ({ 'X-Cal-Signature-256': `sha256=${hmac(BODIES.calcom)}` }),
  ],
  [
    'Cal.com with sha1=',
    '/sync/webhooks/calcom',
    'calcom',
    'BOOKING_CREATED',
    () => ({ 'X-Cal-Signature-256': `sha1=${hmac(BODIES.calcom, 'sha1')}` }),
  ],
  [
    'Chatwoot',
    '/sync/webhooks/chatwoot',
    'chatwoot',
    'contact_created',
    () => ({ 'X-Chatwoot-Timestamp': s(), 'X-Chatwoot-Signature': `sha256=${hmac(`${s()}.${BODIES.chatwoot}`)}` }),
  ],
  [
    'Chatwoot over the body alone',
    '/sync/webhooks/chatwoot',
    'chatwoot',
    'contact_created',
    () => ({ 'X-Chatwoot-Signature': hmac(BODIES.chatwoot) }),
  ],
  [
    'Calendly',
    '/api/v1/calendly/webhook',
    'calendly',
    'invitee.created',
    () => ({ 'Calendly-Webhook-Signature': `t=${s()},v1=${hmac(`${s()}.${BODIES.calendly}`)}` }),
  ],
  [
    'Calendly as bare hex',
    '/api/v1/calendly/webhook',
    'calendly',
    'invitee.created',
    () => ({ 'Calendly-Webhook-Signature': hmac(BODIES.calendly) }),
  ],
];

describe('the fixed paths', () => {
  it.each(FORMS)('take %s', async (_what, path, provider, eventName, headers) => {
    const source = await makeSource(api, provider);
    const answer = await post(path, BODIES[provider], headers());
    expect(answer.status, answer.body).toBe(200);
    expect(answer.headers['content-type']).toContain('application/json');
    const { received, id } = JSON.parse(answer.body);
    expect(received).toBe(true);
    expect(await ended(api, id, 'processed')).toMatchObject({
      source: provider,
      sourceId: source.id,
      eventName,
      authenticated: true,
    });
    expect(JSON.parse((await post(path, BODIES[provider], headers())).body)).toEqual({
      received: true,
      id,
      duplicate: true,
    });
    expect((await post(path, `${BODIES[provider]} `, headers())).status).toBe(401);
    expect((await post(path, BODIES[provider], {})).status).toBe(401);
  });

  it('take the forms of the guides only where the source does not say otherwise, and /in never does by itself', async () => {
    const source = await makeSource(api, 'calcom', { settings: { acceptLegacySignatures: false } });
    const headers = { 'X-Cal-Signature-256': `sha256=${hmac(BODIES.calcom)}` };
    expect((await post('/sync/webhooks/calcom', BODIES.calcom, headers)).status).toBe(401);
    await api.patch(`/api/v1/sources/${source.id}`, { settings: {} });
    expect((await post('/sync/webhooks/calcom', BODIES.calcom, headers)).status).toBe(200);
    expect((await post(new URL(source.url).pathname, BODIES.calcom, headers)).status).toBe(401);
  });

  it('find the tenant by header, by query, or because there is only one', async () => {
    const send = (path: string, headers: Record<string, string> = {}) =>
      post(path, BODIES.calcom, { 'X-Cal-Signature-256': hmac(BODIES.calcom), ...headers });
    const tenantOf = async (answer: { body: string; status: number }) => {
      expect(answer.status, answer.body).toBe(200);
      const { id } = JSON.parse(answer.body);
      const rows = await app.database.query<{ tenant_id: string }>(
        'select tenant_id from integration_events where id = $1',
        [id],
      );
      return rows[0]!.tenant_id;
    };
    const path = '/sync/webhooks/calcom';
    const nobody = await send(path);
    expect(nobody.status).toBe(404);
    await makeSource(api, 'calcom');
    expect(await tenantOf(await send(path))).toBe(app.tenant.id);
    await makeSource(other.api, 'calcom');
    const unclear = await send(path);
    expect(unclear.status).toBe(404);
    expect(JSON.parse(unclear.body).detail).toBe(JSON.parse(nobody.body).detail);
    expect(await tenantOf(await send(path, { 'X-Tenant-ID': other.id }))).toBe(other.id);
    expect(await tenantOf(await send(path, { 'X-Tenant-ID': app.tenant.slug }))).toBe(app.tenant.id);
    expect(await tenantOf(await send(`${path}?tenant=${other.slug}`))).toBe(other.id);
    expect(await tenantOf(await send(`${path}?tenant=${app.tenant.id}`))).toBe(app.tenant.id);
    const before = await countOf(app, 'integration_events');
    for (const wrong of ['nobody', '01a208ad-81aa-79ff-a137-7dea4536b8b7', "'or'1", '%00'])
      expect((await send(`${path}?tenant=${wrong}`)).status).toBe(404);
    expect(await countOf(app, 'integration_events')).toBe(before);
  });

  it('try each source of the tenant, when there are several', async () => {
    const [first, second] = [
      await makeSource(api, 'calcom', { secret: 'another-secret' }),
      await makeSource(api, 'calcom'),
    ];
    const sourceOf = async (secret: string, n: number) => {
      const body = JSON.stringify({ triggerEvent: 'PING', n });
      const signature = createHmac('sha256', secret).update(body).digest('hex');
      const answer = await post('/sync/webhooks/calcom', body, { 'X-Cal-Signature-256': signature });
      return (await api.get(`/api/v1/inbound-events/${JSON.parse(answer.body).id}`)).sourceId;
    };
    expect([await sourceOf('another-secret', 1), await sourceOf(SECRET, 2)]).toEqual([first.id, second.id]);
  });

  it('know three systems and no more', async () => {
    expect((await post('/sync/webhooks/github', '{}', {})).status).toBe(404);
    expect((await post('/sync/webhooks/constructor', '{}', {})).status).toBe(404);
  });
});

describe('Calendly', () => {
  it('is stored with its source, listed, and seen in extracted_events', async () => {
    await makeSource(api, 'calendly');
    await post('/api/v1/calendly/webhook', BODIES.calendly, { 'Calendly-Webhook-Signature': hmac(BODIES.calendly) });
    const { data } = await api.get('/api/v1/calendly/events?limit=1');
    expect(data).toMatchObject([
      { source: 'calendly', eventName: 'invitee.created', payload: { payload: { email: 'maria@example.com' } } },
    ]);
    const rows = await app.database.query("select * from extracted_events where source = 'calendly' and id = $1", [
      data[0].id,
    ]);
    expect(rows).toMatchObject([
      { tenant_id: app.tenant.id, event_type: 'invitee.created', payload: { event: 'invitee.created' } },
    ]);
    expect((await other.api.get('/api/v1/calendly/events')).data).toEqual([]);
    expect((await sendRaw(`${app.url}/api/v1/calendly/events`, { method: 'GET' })).status).toBe(401);
  });
});

describe('WhatsApp by Twilio', () => {
  const form =
    'Body=Ol%C3%A1&From=whatsapp%3A%2B5511999990000&MessageSid=SM1&NumMedia=0&SmsStatus=received&To=whatsapp%3A%2B551133334444';
  const signature = (path: string) => {
    const fields = [...new URLSearchParams(form)].sort().map(([name, value]) => name + value);
    return createHmac('sha1', SECRET)
      .update(PUBLIC_URL + path + fields.join(''))
      .digest('base64');
  };

  it('becomes a message event, and is answered as Twilio wants it when it is Twilio that asks', async () => {
    const receiver = await startReceiver();
    try {
      await makeSource(api, 'twilio');
      await api.post(
        '/api/v1/subscriptions',
        { url: receiver.url, eventTypes: ['message.received', 'whatsapp.mensagem.recebida'] },
        201,
      );
      const path = '/api/v1/whatsapp/webhook';
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Twilio-Signature': signature(path) };
      const answer = await post(path, form, { ...headers, 'User-Agent': 'TwilioProxy/1.1' });
      expect(answer).toMatchObject({ status: 200, body: '<Response/>' });
      expect(answer.headers['content-type']).toContain('text/xml');
      expect(JSON.parse((await post(path, form, headers)).body)).toMatchObject({ received: true, duplicate: true });
      await eventually(() => expect(receiver.requests).toHaveLength(2));
      const told = receiver.requests.map(({ body }) => JSON.parse(body)).sort((a, b) => (a.event < b.event ? -1 : 1));
      expect(told).toMatchObject([
        {
          event: 'message.received',
          data: {
            conversation_id: '5511999990000',
            message_id: 'SM1',
            from: '5511999990000',
            text: 'Olá',
            channel: 'whatsapp',
          },
        },
        { event: 'whatsapp.mensagem.recebida', data: { remetente: '5511999990000', conteudo: 'Olá' } },
      ]);
      expect((await post(`${path}?changed=1`, form, headers)).status).toBe(401);
    } finally {
      await receiver.close();
    }
  });
});

describe('Gmail', () => {
  const path = '/api/v1/gmail/webhook';
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = (kid: string, claims: object = {}) => {
    const nowS = Math.floor(clock.now().getTime() / 1000);
    const all = {
      iss: 'https://accounts.google.com',
      aud: PUBLIC_URL + path,
      email: 'push@project.iam.gserviceaccount.com',
      email_verified: true,
      iat: nowS,
      exp: nowS + 3600,
      ...claims,
    };
    const text = `${part({ alg: 'RS256', kid })}.${part(all)}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(keys.privateKey, 'base64url')}`;
  };
  const push = (messageId: string) =>
    JSON.stringify({
      message: {
        data: Buffer.from('{"emailAddress":"box@example.com","historyId":9876}').toString('base64'),
        messageId,
        publishTime: '2026-03-01T12:00:00.000Z',
      },
      subscription: 's',
    });

  it('is verified with Google’s published keys, asked for again when there is a new one, and becomes e-mail events', async () => {
    const receiver = await startReceiver();
    try {
      await api.post(
        '/api/v1/sources',
        {
          provider: 'google-pubsub',
          name: 'box',
          settings: { serviceAccountEmail: 'push@project.iam.gserviceaccount.com' },
        },
        201,
      );
      await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['email.*'] }, 201);
      const send = (id: string, bearer: string) => post(path, push(id), { Authorization: `Bearer ${bearer}` });
      expect((await send('1', token('key-1'))).status).toBe(200);
      expect((await send('2', token('key-1'))).status).toBe(200);
      expect(google.requests).toHaveLength(1);
      expect((await send('3', token('key-1', { email: 'somebody@else.example' }))).status).toBe(401);
      keyId = 'key-2';
      // What is under way when the clock jumps over its lease is sent once more, as it should be.
      await eventually(async () =>
        expect((await api.get('/api/v1/deliveries?eventType=email.received&status=succeeded')).data).toHaveLength(2),
      );
      await eventually(async () =>
        expect((await api.get('/api/v1/deliveries?eventType=email.recebido&status=succeeded')).data).toHaveLength(2),
      );
      clock.advance({ minutes: 2 });
      expect((await send('4', token('key-2'))).status).toBe(200);
      expect(google.requests).toHaveLength(2);
      expect((await send('5', token('key-3'))).status).toBe(401);
      expect(google.requests).toHaveLength(2);
      await eventually(() => expect(receiver.requests).toHaveLength(6));
      const first = receiver.requests
        .map(({ body }) => JSON.parse(body))
        .filter(({ data }) => [data.message_id, data.mensagemId].includes('1'));
      expect(first.map(({ event }) => event).sort()).toEqual(['email.recebido', 'email.received']);
      expect(first[0].data).toMatchObject(
        first[0].event === 'email.received'
          ? { account_id: 'box@example.com', history_id: '9876' }
          : { contaId: 'box@example.com', historyId: '9876' },
      );
    } finally {
      await receiver.close();
    }
  });
});
