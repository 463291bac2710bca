import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { sendRaw } from '../../support/raw-request.js';
import { TestClock } from '../../support/test-clock.js';
import { anotherTenant, capture, countOf, makeSource, post, SECRET, sign } from './inbound.js';

const clock = new TestClock();
let app: TestApp;
let api: Api;
let unique = 0;

beforeAll(async () => {
  app = await startTestApp({ clock, config: { RELAY_INTERVAL_MS: '50', PUBLIC_URL: 'https://hooks.example.com' } });
  api = Api.of(app);
});
afterAll(() => app.close());

const body = () => JSON.stringify({ event: 'thing.happened', n: ++unique });
const events = () => countOf(app, 'integration_events');
const refusals = async (id: string) => (await api.get(`/api/v1/sources/${id}/refusals`)).data;

describe('a source', () => {
  it('has a URL that cannot be guessed and can be shown again, and a secret that is shown once', async () => {
    const made = await api.post('/api/v1/sources', { provider: 'github', name: 'ours' }, 201);
    expect(made.url).toMatch(/^https:\/\/hooks\.example\.com\/in\/[A-Za-z0-9_-]{43}$/);
    expect(made.secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const shown = await api.get(`/api/v1/sources/${made.id}`);
    expect(shown).toMatchObject({ url: made.url, provider: 'github', enabled: true, secrets: [{ expiresAt: null }] });
    expect(JSON.stringify(shown)).not.toContain(made.secret);
    const rows = JSON.stringify(
      await app.database.query('select * from sources s join source_secrets k on k.source_id = s.id'),
    );
    expect(rows).not.toContain(made.secret);
    expect(rows).not.toContain(made.url.split('/in/')[1]);
  });

  it('has no secret until it is set, where the provider makes it', async () => {
    const made = await api.post('/api/v1/sources', { provider: 'chatwoot', name: 'inbox' }, 201);
    expect(made).toMatchObject({ secrets: [] });
    expect(made).not.toHaveProperty('secret');
    const answer = await post(app, made, '{}', []);
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'inbound_refused',
      detail: expect.stringContaining('no secret yet'),
    });
  });

  it('keeps settings that are secrets to itself', async () => {
    const settings = { verifyToken: 'a-verify-token' };
    const made = await api.post(
      '/api/v1/sources',
      { provider: 'meta', name: 'meta', secret: 's3cret-s3cret', settings },
      201,
    );
    expect(made.settings).toEqual({ verifyToken: '[redacted]' });
    const check = (token: string) =>
      sendRaw(`${app.url}${new URL(made.url).pathname}?hub.mode=subscribe&hub.verify_token=${token}&hub.challenge=77`, {
        method: 'GET',
      });
    expect(await check('a-verify-token')).toMatchObject({ status: 200, body: '77' });
    await api.patch(`/api/v1/sources/${made.id}`, { settings: { verifyToken: '[redacted]' } });
    expect((await check('a-verify-token')).status).toBe(200);
    expect((await check('another')).status).toBe(403);
    await eventually(async () => expect((await refusals(made.id))[0].path).not.toContain('another'));
    expect(JSON.stringify(await app.database.query('select * from sources'))).not.toContain('a-verify-token');
  });

  it.each([
    [{ provider: 'nobody', name: 'x' }, '/provider'],
    [{ provider: 'github' }, '/name'],
    [{ provider: 'github', name: 'x', settings: { tolerance: 5 } }, '/settings/tolerance'],
    [{ provider: 'stripe', name: 'x', settings: { toleranceSeconds: 'long' } }, '/settings/toleranceSeconds'],
    [{ provider: 'google-pubsub', name: 'x', settings: {} }, '/settings/serviceAccountEmail'],
    [{ provider: 'generic-hmac', name: 'x', settings: { signedPayload: 'nothing' } }, '/settings/signedPayload'],
    [{ provider: 'none', name: 'x', secret: 'why' }, '/secret'],
    [{ provider: 'github', name: 'x', secret: ' pasted ' }, '/secret'],
  ])('%j is refused with a pointer to %s', async (input, pointer) => {
    expect((await api.post('/api/v1/sources', input, 422)).errors[0].pointer).toBe(pointer);
  });

  it('takes two secrets while one replaces the other, and says which one is in use', async () => {
    const source = await makeSource(api);
    const rotated = await api.post(`/api/v1/sources/${source.id}/rotate`, { overlapSeconds: 3600 }, 200);
    const send = (secret: string) => {
      const text = body();
      return post(app, source, text, [['X-Webhook-Signature', sign(text, secret)]]);
    };
    const [withOld, withNew] = [await send(SECRET), await send(rotated.secret)];
    expect([withOld.status, withNew.status]).toEqual([200, 200]);
    const secretOf = async (answer: typeof withOld) =>
      (await api.get(`/api/v1/inbound-events/${answer.headers['x-posthaste-event']}`)).secretId;
    const { secrets } = await api.get(`/api/v1/sources/${source.id}`);
    expect(await secretOf(withNew)).toBe(secrets[0].id);
    expect(await secretOf(withOld)).toBe(source.secrets[0]!.id);
    await eventually(async () => {
      const shown = await api.get(`/api/v1/sources/${source.id}`);
      expect(shown.secrets.every((one: { lastUsedAt: string | null }) => one.lastUsedAt !== null)).toBe(true);
    });
    clock.advance({ hours: 1 });
    expect([(await send(SECRET)).status, (await send(rotated.secret)).status]).toEqual([401, 200]);
  });

  it('can be switched off, changed and deleted, on every process at once', async () => {
    const second = await startTestApp({ database: app.database, clock });
    try {
      const source = await makeSource(api);
      const status = async () => {
        const text = body();
        return (await post(second, source, text)).status;
      };
      expect(await status()).toBe(200);
      await api.patch(`/api/v1/sources/${source.id}`, { enabled: false });
      await eventually(async () => expect(await status()).toBe(404));
      await api.patch(`/api/v1/sources/${source.id}`, { enabled: true, secret: 'quite-another-secret' });
      await eventually(async () => expect(await status()).toBe(401));
      await api.delete(`/api/v1/sources/${source.id}`);
      await eventually(async () => expect(await status()).toBe(404));
      await api.get(`/api/v1/sources/${source.id}`, 404);
    } finally {
      await second.close();
    }
  });

  it("is another tenant's 404", async () => {
    const source = await makeSource(api);
    const theirs = (await anotherTenant(app, 'other-sources')).api;
    await theirs.get(`/api/v1/sources/${source.id}`, 404);
    await theirs.get(`/api/v1/sources/${source.id}/refusals`, 404);
    await theirs.patch(`/api/v1/sources/${source.id}`, { enabled: false }, 404);
    await theirs.post(`/api/v1/sources/${source.id}/rotate`, {}, 404);
    await theirs.delete(`/api/v1/sources/${source.id}`, 404);
    expect((await theirs.get('/api/v1/sources')).data).toEqual([]);
    const answer = await post(app, source, body());
    await theirs.get(`/api/v1/inbound-events/${answer.headers['x-posthaste-event']}`, 404);
    await theirs.post(`/api/v1/inbound-events/${answer.headers['x-posthaste-event']}/reprocess`, {}, 404);
  });
});

describe('what was verified', () => {
  it('is kept byte for byte, whatever its content type, without credentials', async () => {
    const source = await makeSource(api);
    const path = new URL(source.url).pathname;
    const send = (bytes: Buffer, contentType: string | null) =>
      sendRaw(`${app.url}${path}/messages-upsert?x=1`, {
        body: bytes,
        headers: [
          ...(contentType ? [['Content-Type', contentType] as [string, string]] : []),
          ['X-Webhook-Signature', sign(bytes)],
          ['Authorization', 'Bearer should-not-be-kept'],
          ['Cookie', 'session=should-not-be-kept'],
        ],
      });
    const cases: [Buffer, string | null, string, unknown][] = [
      [Buffer.from('{"b": 1,  "a":"ç"}'), 'application/json', 'json', { b: 1, a: 'ç' }],
      [Buffer.from('{"lies": true}'), 'text/plain', 'json', { lies: true }],
      [Buffer.from('a=1&b=2'), 'application/json', 'text', 'a=1&b=2'],
      [Buffer.from('<x/>'), 'garbage;;;', 'text', '<x/>'],
      [Buffer.from([0xff, 0x00, 0x01]), 'application/octet-stream', 'base64', '/wAB'],
      [Buffer.from('{"nul":"\u0000"}'), null, 'base64', Buffer.from('{"nul":"\u0000"}').toString('base64')],
      [Buffer.from('{"escaped":"\\u0000"}'), 'application/json', 'json', { escaped: '\u0000' }],
      [Buffer.alloc(0), null, 'text', ''],
    ];
    for (const [bytes, contentType, payloadKind, payload] of cases) {
      const answer = await send(bytes, contentType);
      expect(answer.status, answer.body).toBe(200);
      const event = await api.get(`/api/v1/inbound-events/${answer.headers['x-posthaste-event']}`);
      expect(event).toMatchObject({ payloadKind, payload, payloadBytes: bytes.length, contentType, method: 'POST' });
      expect(event.headers.authorization).toBe('Bearer [redacted]');
      expect(event.headers['x-webhook-signature']).toBe(sign(bytes));
    }
    expect(JSON.stringify(await app.database.query('select * from integration_events'))).not.toContain(
      'should-not-be-kept',
    );
    // The view that reads payloads as JSON stands all of them.
    expect((await app.database.query('select payload from extracted_events')).length).toBe(await events());
  });

  it('is listed with every filter, and long bodies are shown with their event only', async () => {
    const source = await makeSource(api);
    const long = JSON.stringify({ event: 'long.one', text: 'x'.repeat(20_000) });
    const ids = [];
    for (const text of [JSON.stringify({ event: 'short.one', n: 1 }), long])
      ids.push((await post(app, source, text)).headers['x-posthaste-event']);
    const list = async (query: string) => (await api.get(`/api/v1/inbound-events?source=${source.id}&${query}`)).data;
    expect((await list('')).map((event: { id: string }) => event.id)).toEqual([...ids].reverse());
    expect(await list('eventName=short.one')).toMatchObject([{ id: ids[0], payload: { n: 1 } }]);
    expect(await list('eventName=long.one')).toMatchObject([{ id: ids[1], payload: null, payloadBytes: long.length }]);
    expect((await api.get(`/api/v1/inbound-events/${ids[1]}`)).payload.text).toHaveLength(20_000);
    await eventually(async () => expect(await list('status=processed')).toHaveLength(2));
    expect(await list('status=failed')).toEqual([]);
    expect((await api.get('/api/v1/inbound-events?source=generic-hmac&limit=1')).data).toHaveLength(1);
    expect(await list(`since=${new Date(clock.now().getTime() + 1000).toISOString()}`)).toEqual([]);
    expect(await list(`until=${new Date(clock.now().getTime() + 1000).toISOString()}`)).toHaveLength(2);
  });

  it("hides a provider's secret members where a body is shown", async () => {
    const source = await makeSource(api, { provider: 'evolution', settings: { header: 'X-Evo-Token' } });
    const text = '{"event":"connection.update","instance":"i","apikey":"the-key-of-the-instance"}';
    const answer = await post(app, source, text, [['X-Evo-Token', SECRET]]);
    const event = await api.get(`/api/v1/inbound-events/${answer.headers['x-posthaste-event']}`);
    expect(event).toMatchObject({ payload: { apikey: '[redacted]' }, headers: { 'x-evo-token': '[redacted]' } });
    await post(app, source, text, [['X-Evo-Token', 'not-the-secret']]);
    await eventually(async () => {
      const [refused] = await refusals(source.id);
      expect(refused).toMatchObject({ reason: 'token_mismatch', headers: { 'x-evo-token': '[redacted]' } });
      expect(JSON.stringify(refused)).not.toMatch(/the-key-of-the-instance|not-the-secret/);
    });
  });
});

describe('a duplicate', () => {
  it('of a thousand at once is stored once and answered as success', async () => {
    const source = await makeSource(api, { settings: { deliveryIdHeader: 'X-Delivery' } });
    const before = await events();
    const text = body();
    const answers = await Promise.all(
      Array.from({ length: 1000 }, () =>
        post(app, source, text, [
          ['X-Webhook-Signature', sign(text)],
          ['X-Delivery', 'the-same'],
        ]),
      ),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    expect(new Set(answers.map((answer) => answer.headers['x-posthaste-event'])).size).toBe(1);
    expect(await events()).toBe(before + 1);
    await eventually(async () =>
      expect(await api.get(`/api/v1/sources/${source.id}`)).toMatchObject({ acceptedCount: 1, duplicateCount: 999 }),
    );
  });

  it('of two processes is stored once', async () => {
    const second = await startTestApp({ database: app.database, clock });
    try {
      const source = await makeSource(api);
      const before = await events();
      const texts = Array.from({ length: 40 }, body);
      await Promise.all(texts.flatMap((text) => [post(app, source, text), post(second, source, text)]));
      expect(await events()).toBe(before + 40);
    } finally {
      await second.close();
    }
  });

  it('is told by the delivery id for as long as the provider repeats, else by the body for five minutes', async () => {
    const byId = await makeSource(api, { settings: { deliveryIdHeader: 'X-Delivery' } });
    const byBody = await makeSource(api);
    const text = body();
    const send = async () => {
      const headers: [string, string][] = [
        ['X-Webhook-Signature', sign(text)],
        ['X-Delivery', 'one'],
      ];
      return [byId, byBody].map(
        async (source) => (await post(app, source, text, headers)).headers['x-posthaste-event'],
      );
    };
    const first = await Promise.all(await send());
    expect(await Promise.all(await send())).toEqual(first);
    clock.advance({ minutes: 5 });
    const later = await Promise.all(await send());
    expect(later[0]).toBe(first[0]);
    expect(later[1]).not.toBe(first[1]);
    clock.advance({ days: 3 });
    expect((await Promise.all(await send()))[0]).not.toBe(first[0]);
  });

  it('of a key with another body is refused', async () => {
    const key = { 'Idempotency-Key': 'lead-1' };
    const first = JSON.parse((await capture(app, 'dup.keyed', { n: 1 }, key)).body);
    expect(JSON.parse((await capture(app, 'dup.keyed', { n: 1 }, key)).body)).toMatchObject({
      id: first.id,
      payload: { n: 1 },
    });
    const other = await capture(app, 'dup.keyed', { n: 2 }, key);
    expect([other.status, JSON.parse(other.body).code]).toEqual([422, 'idempotency_key_reused']);
    expect((await capture(app, 'dup.keyed', { n: 3 })).status).toBe(202);
    const webhookId = { 'webhook-id': 'msg_1' };
    const ids = [
      await capture(app, 'dup.keyed', { n: 4 }, webhookId),
      await capture(app, 'dup.keyed', { n: 4 }, webhookId),
    ];
    expect(new Set(ids.map((answer) => JSON.parse(answer.body).id)).size).toBe(1);
  });
});

describe('what is refused', () => {
  it('says why, is counted, and kept up to a bound for the owner to see', async () => {
    const source = await makeSource(api);
    const answer = await post(app, source, '{"a":1}', [['X-Webhook-Signature', sign('{"a":2}')]]);
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'inbound_refused',
      detail: 'Signature does not match: is the secret the one of this endpoint?',
      instance: expect.stringContaining('/in/'),
    });
    expect((await post(app, source, '{"a":1}', [])).body).toContain('No header x-webhook-signature.');
    for (let i = 0; i < 25; i++) await post(app, source, `{"refused":${i}}`, []);
    await eventually(async () => {
      const kept = await refusals(source.id);
      expect(kept).toHaveLength(20);
      expect(kept[0]).toMatchObject({
        reason: 'header_missing',
        message: 'no header x-webhook-signature',
        status: 401,
        method: 'POST',
        bodyExcerpt: '{"refused":24}',
        remoteAddress: '127.0.0.1',
      });
      expect((await api.get(`/api/v1/sources/${source.id}`)).refusedCount).toBe(27);
    });
  });

  it.each<[string, number, (source: { url: string }) => Promise<{ status: number; body: string }>]>([
    ['a wrong signature', 401, (source) => post(app, source, '{}', [['X-Webhook-Signature', sign('{}', 'wrong')]])],
    ['no signature', 401, (source) => post(app, source, '{}', [])],
    [
      'a signature header that comes twice',
      401,
      (source) =>
        post(app, source, '{}', [
          ['X-Webhook-Signature', sign('{}')],
          ['x-webhook-signature', sign('{}')],
        ]),
    ],
    [
      'no body',
      401,
      (source) => sendRaw(app.url + new URL(source.url).pathname, { headers: [['X-Webhook-Signature', sign('{}')]] }),
    ],
    ['a 10 MB body', 413, (source) => post(app, source, Buffer.alloc(10 * 1024 * 1024, 'x'), [])],
    [
      'a gzip bomb',
      415,
      (source) => {
        const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024));
        return post(app, source, bomb, [
          ['Content-Encoding', 'gzip'],
          ['X-Webhook-Signature', sign(bomb)],
        ]);
      },
    ],
    ['JSON nested 100 deep', 422, (source) => post(app, source, `${'['.repeat(100)}${']'.repeat(100)}`)],
    [
      'JSON nested 100,000 deep',
      422,
      (source) => post(app, source, `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
    ],
    [
      'a method the provider does not use',
      405,
      (source) => sendRaw(app.url + new URL(source.url).pathname, { method: 'GET' }),
    ],
    [
      'an unknown token',
      404,
      (source) => post(app, { url: `${source.url.slice(0, -43)}${randomBytes(32).toString('base64url')}` }, '{}'),
    ],
    ['a token of another form', 404, () => post(app, { url: 'http://x/in/%00or1' }, '{}')],
  ])('%s gets %i and is not stored', async (_what, status, send) => {
    const source = await makeSource(api);
    const before = await events();
    const answer = await send(source);
    expect(answer.status, answer.body).toBe(status);
    expect(answer.body).not.toContain(SECRET);
    expect(await events()).toBe(before);
  });

  it.each<[string, number, string, () => Promise<{ status: number; body: string }>]>([
    [
      'a wrong key',
      401,
      'unauthenticated',
      () => capture(app, 'bad.one', {}, { 'X-API-Key': 'phk_testkey1_ffffffffffffffffffffffffffffffff' }),
    ],
    [
      'a wrong tenant',
      401,
      'unauthenticated',
      () => capture(app, 'bad.one', {}, { 'X-Tenant-ID': '01a208ad-81aa-79ff-a137-7dea4536b8b7' }),
    ],
    ['no body', 422, 'body_not_json', () => capture(app, 'bad.one', '')],
    ['broken JSON', 422, 'body_not_json', () => capture(app, 'bad.one', '{"a":')],
    [
      'a form',
      422,
      'body_not_json',
      () => capture(app, 'bad.one', 'a=1', { 'Content-Type': 'application/x-www-form-urlencoded' }),
    ],
    ['NUL bytes', 422, 'body_not_json', () => capture(app, 'bad.one', '{"a":"\u0000"}')],
    ['bytes that are no UTF-8', 422, 'body_not_json', () => capture(app, 'bad.one', Buffer.from([0x22, 0xff, 0x22]))],
    [
      'JSON nested 100 deep',
      422,
      'invalid_request',
      () => capture(app, 'bad.one', `${'['.repeat(100)}${']'.repeat(100)}`),
    ],
    ['a 10 MB body', 413, 'body_too_large', () => capture(app, 'bad.one', Buffer.alloc(10 * 1024 * 1024, ' '))],
    [
      'a compressed body',
      415,
      'unsupported_media_type',
      () => capture(app, 'bad.one', gzipSync('{}'), { 'Content-Encoding': 'gzip' }),
    ],
    ['a name that is none', 422, 'invalid_request', () => capture(app, 'bad%20name', {})],
    ['a key with blanks', 422, 'invalid_request', () => capture(app, 'bad.one', {}, { 'Idempotency-Key': 'a b' })],
  ])('with the tenant’s key: %s gets %i %s and is not stored', async (_what, status, code, send) => {
    const before = await events();
    const answer = await send();
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([status, code]);
    expect(await events()).toBe(before);
  });

  it('takes JSON that says it is something else', async () => {
    expect((await capture(app, 'lying.type', '[1]', { 'Content-Type': 'text/plain' })).status).toBe(202);
  });
});

describe('what a tenant allows', () => {
  it('is checked by address, at sources and with the key', async () => {
    const { id, api: theirs, apiKey } = await anotherTenant(app, 'allowlisted');
    const source = await makeSource(theirs);
    const keyed = () => capture(app, 'allow.one', {}, { 'X-Tenant-ID': id, 'X-API-Key': apiKey });
    await theirs.patch('/api/v1/tenant', { settings: { inboundIpAllowlist: ['203.0.113.0/24', '2001:db8::/32'] } });
    const outside = await post(app, source, body());
    expect([outside.status, JSON.parse(outside.body).code]).toEqual([403, 'address_not_allowed']);
    expect([(await keyed()).status, JSON.parse((await keyed()).body).code]).toEqual([403, 'address_not_allowed']);
    await eventually(async () => {
      const { data } = await theirs.get(`/api/v1/sources/${source.id}/refusals`);
      expect(data[0]).toMatchObject({ reason: 'address_not_allowed', message: expect.stringContaining('127.0.0.1') });
    });
    await theirs.patch('/api/v1/tenant', { settings: { inboundIpAllowlist: ['127.0.0.0/8'] } });
    expect((await post(app, source, body())).status).toBe(200);
    expect((await keyed()).status).toBe(202);
  });

  it('is limited by rate, for the tenant and for each sender', async () => {
    const { id, api: theirs, apiKey } = await anotherTenant(app, 'limited');
    const [one, two] = [await makeSource(theirs), await makeSource(theirs)];
    await theirs.patch('/api/v1/tenant', {
      settings: { rateLimits: { inboundPerMinute: 5, inboundPerSenderPerMinute: 2 } },
    });
    const status = async (source: { url: string }) => (await post(app, source, body())).status;
    expect([await status(one), await status(one), await status(one), await status(two)]).toEqual([200, 200, 429, 200]);
    // A forged request takes nothing from the limit.
    expect((await post(app, two, body(), [])).status).toBe(401);
    const keyed = () => capture(app, 'rate.one', {}, { 'X-Tenant-ID': id, 'X-API-Key': apiKey });
    expect((await keyed()).status).toBe(202);
    const refused = await keyed();
    expect(refused.status).toBe(429);
    expect(refused.headers).toMatchObject({
      'retry-after': expect.any(String),
      ratelimit: expect.stringContaining('"inbound"'),
    });
  });
});
