import { createHash, createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { eventually } from '../../support/eventually.js';
import { type ReceivedRequest, type Receiver, startReceiver } from '../../support/receiver.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
let unique = 0;

beforeAll(async () => {
  app = await startTestApp({ config: { RELAY_INTERVAL_MS: '20' } });
  api = Api.of(app);
});
afterAll(() => app.close());
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

interface Subscription {
  id: string;
  secret: string;
  type: string;
  // biome-ignore lint/suspicious/noExplicitAny: the answer is what the test says it is
  [field: string]: any;
}

/** Subscribes the receiver to a type of its own. */
async function subscribe(fields: object): Promise<Subscription> {
  const type = `shape.case${++unique}`;
  return {
    ...(await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: [type], ...fields }, 201)),
    type,
  };
}

async function refused(fields: object) {
  return api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['a'], ...fields }, 422);
}

async function publish({ type }: Subscription, data: object = { n: 1 }, more: object = {}): Promise<ReceivedRequest> {
  const before = receiver.requests.length;
  await api.post('/api/v1/events', { type, data, ...more }, 202);
  return eventually(() => {
    expect(receiver.requests).toHaveLength(before + 1);
    return receiver.requests.at(-1) as ReceivedRequest;
  });
}

/** The headers as the record of the last delivery's only attempt shows them. */
const recordedHeaders = ({ id }: Subscription) =>
  eventually(async () => {
    const { data } = await api.get(`/api/v1/deliveries?subscriptionId=${id}&limit=1`);
    const { attempts } = await api.get(`/api/v1/deliveries/${data[0].id}`);
    expect(attempts).toHaveLength(1);
    return attempts[0].request.headers as Record<string, string>;
  });

/** Everything of every table, as text. */
async function wholeDatabase(): Promise<string> {
  const tables = await app.database.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) =>
      app.database.query<{ row: string }>(`select row_to_json(t)::text as row from "${name}" t`),
    ),
  );
  return rows.flatMap((table) => table.map(({ row }) => row)).join('\n');
}

describe('fields', () => {
  const data = { id: 7, contact: { email: 'a@example.com', phone: '1', tags: ['x', 'y'] }, note: 'inside only' };
  const fields = ['/contact/email', '/contact/tags/1', '/id', '/contact/fax'];
  const chosen = { id: 7, contact: { email: 'a@example.com', tags: ['y'] } };

  it.each([
    ['envelope', (body: { data: unknown }) => body.data],
    ['flat', (body: unknown) => body],
    ['cloudevents', (body: { data: unknown }) => body.data],
  ] as const)(
    'choose what is sent, in the %s format, and what is signed is what is sent',
    async (bodyFormat, dataOf) => {
      const subscription = await subscribe({ fields, bodyFormat });
      const { body, headers } = await publish(subscription, data);
      expect(dataOf(JSON.parse(body))).toEqual(chosen);
      new Webhook(subscription.secret).verify(body, headers as Record<string, string>);
      const hex = createHmac('sha256', subscription.secret).update(body).digest('hex');
      expect(headers['x-webhook-signature']).toBe(hex);
    },
  );

  it('leave metadata and the stored event as they are, and order as it was', async () => {
    const subscription = await subscribe({ fields: ['/b', '/a'] });
    const { body } = await publish(subscription, { c: 1, a: 2, b: 3 }, { metadata: { source: 'here' } });
    expect(body).toContain('"data":{"a":2,"b":3},"metadata":{"source":"here"}}');
    const { data: deliveries } = await api.get(`/api/v1/deliveries?subscriptionId=${subscription.id}`);
    expect(await api.get(`/api/v1/events/${deliveries[0].eventId}`)).toMatchObject({ data: { c: 1, a: 2, b: 3 } });
  });

  it('none of which the data has leave an empty object', async () => {
    expect((await publish(await subscribe({ fields: ['/x/y'], bodyFormat: 'flat' }), { n: 1 })).body).toBe('{}');
  });

  it('may be changed and taken away; the next delivery knows', async () => {
    const subscription = await subscribe({ fields: ['/a'], bodyFormat: 'flat' });
    expect(subscription.fields).toEqual(['/a']);
    expect((await publish(subscription, { a: 1, b: 2 })).body).toBe('{"a":1}');
    await api.patch(`/api/v1/subscriptions/${subscription.id}`, { fields: ['/b'] });
    expect((await publish(subscription, { a: 1, b: 2 })).body).toBe('{"b":2}');
    expect((await api.patch(`/api/v1/subscriptions/${subscription.id}`, { fields: null })).fields).toEqual([]);
    expect((await publish(subscription, { a: 1, b: 2 })).body).toBe('{"a":1,"b":2}');
  });

  it.each([
    [['/a', 'b'], '/fields/1', 'starts with "/"'],
    [[''], '/fields/0', 'leave "fields" out'],
    [['/a~b'], '/fields/0', '~0'],
    [[7], '/fields', 'string'],
    ['/a', '/fields', 'array'],
  ])('%j are refused with a pointer to %s', async (wrong, pointer, words) => {
    const problem = await refused({ fields: wrong });
    expect(problem.errors[0]).toMatchObject({ pointer, detail: expect.stringContaining(words) });
  });
});

describe('custom headers', () => {
  it('are sent with every delivery, and shown, recorded and stored without their values', async () => {
    const headers = {
      'X-Api-Key': 'key-in-the-clear-1',
      'x-team': 'sales and more',
      Authorization: 'Token in-the-clear-2',
    };
    const hidden = { 'X-Api-Key': '•••', 'x-team': '•••', Authorization: '•••' };
    const subscription = await subscribe({ headers });
    expect(subscription.headers).toEqual(hidden);
    const request = await publish(subscription);
    expect(request.headers).toMatchObject({
      'x-api-key': 'key-in-the-clear-1',
      'x-team': 'sales and more',
      authorization: 'Token in-the-clear-2',
    });
    expect(request.rawHeaders).toContain('X-Api-Key');
    expect(await recordedHeaders(subscription)).toMatchObject({
      ...hidden,
      'webhook-signature': request.headers['webhook-signature'],
    });
    expect((await api.get(`/api/v1/subscriptions/${subscription.id}`)).headers).toEqual(hidden);
    const stored = await wholeDatabase();
    expect(stored).toContain(subscription.id);
    expect(stored).not.toMatch(/in-the-clear|sales and more/);
  });

  it('are replaced by a change, where the mask keeps a value; null takes them away', async () => {
    const subscription = await subscribe({ headers: { 'X-Keep': 'kept', 'X-Drop': 'dropped' } });
    const path = `/api/v1/subscriptions/${subscription.id}`;
    const changed = await api.patch(path, { headers: { 'x-keep': '•••', 'X-New': 'new' } });
    expect(changed.headers).toEqual({ 'x-keep': '•••', 'X-New': '•••' });
    const { headers } = await publish(subscription);
    expect(headers).toMatchObject({ 'x-keep': 'kept', 'x-new': 'new' });
    expect(headers).not.toHaveProperty('x-drop');
    expect((await api.patch(path, { name: 'other' })).headers).toEqual(changed.headers);
    expect((await api.patch(path, { headers: null })).headers).toEqual({});
    expect((await publish(subscription)).headers).not.toHaveProperty('x-keep');
  });

  it.each([
    'Host',
    'content-type',
    'Content-Length',
    'content-encoding',
    'Connection',
    'keep-alive',
    'Transfer-Encoding',
    'TE',
    'trailer',
    'Upgrade',
    'Expect',
    'proxy-authorization',
    'User-Agent',
    'webhook-id',
    'Webhook-Signature',
    'webhook-anything',
    'X-Webhook-Signature',
    'x-webhook-event',
    'X-Posthaste-Trace',
  ])('never stand in for ours: %s is refused', async (name) => {
    const problem = await refused({ headers: { ok: 'yes', [name]: 'x' } });
    expect(problem.errors).toEqual([
      { pointer: `/headers/${name}`, detail: expect.stringContaining('platform itself') },
    ]);
  });

  it.each([
    [{ 'two words': 'x' }, '/headers/two words'],
    [{ '': 'x' }, '/headers/'],
    [{ 'x:y': 'x' }, '/headers/x:y'],
    [{ 'x/y': 'x' }, '/headers/x~1y'],
    [{ 'x-ü': 'x' }, '/headers/x-ü'],
    [{ ['x'.repeat(129)]: 'x' }, `/headers/${'x'.repeat(129)}`],
    [{ 'x-a': 'a\r\nx-b: c' }, '/headers/x-a'],
    [{ 'x-a': 'tab\tinside' }, '/headers/x-a'],
    [{ 'x-a': 'ümlaut' }, '/headers/x-a'],
    [{ 'x-a': ' padded' }, '/headers/x-a'],
    [{ 'x-a': '' }, '/headers/x-a'],
    [{ 'x-a': 'v'.repeat(2049) }, '/headers/x-a'],
    [{ 'x-a': 7 }, '/headers/x-a'],
    [{ 'x-a': null }, '/headers/x-a'],
    [{ 'x-a': '•••' }, '/headers/x-a'],
    [{ 'x-a': '1', 'X-A': '2' }, '/headers/X-A'],
    [Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`x-${i}`, 'v'])), '/headers'],
    [['x-a'], '/headers'],
    ['x-a: b', '/headers'],
  ])('%j is refused', async (headers, pointer) => {
    expect((await refused({ headers })).errors[0].pointer).toBe(pointer);
  });

  it('may be twenty, and one as long as 2 KiB', async () => {
    const headers = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`x-long-${i}`, `${i}`.padEnd(700, 'v')]));
    const subscription = await subscribe({ headers: { ...headers, 'x-long-0': 'v'.repeat(2048) } });
    expect((await publish(subscription)).headers['x-long-0']).toHaveLength(2048);
  });
});

describe('Basic auth', () => {
  it('signs in with user name and password, of which only the name is shown', async () => {
    const subscription = await subscribe({
      auth: { type: 'basic', username: 'josé', password: 'pass:word in-the-clear-3' },
    });
    expect(subscription.auth).toEqual({ type: 'basic', username: 'josé' });
    const { authorization } = (await publish(subscription)).headers;
    expect(authorization).toBe(`Basic ${Buffer.from('josé:pass:word in-the-clear-3').toString('base64')}`);
    expect(await recordedHeaders(subscription)).toMatchObject({ authorization: 'Basic •••' });
    const stored = await wholeDatabase();
    expect(stored).not.toContain('in-the-clear-3');
    expect(stored).not.toContain(String(authorization).slice('Basic '.length));
  });

  it('keeps the password that a change does not give, and is gone after null', async () => {
    const subscription = await subscribe({ auth: { type: 'basic', username: 'a', password: 'secret' } });
    const path = `/api/v1/subscriptions/${subscription.id}`;
    await api.patch(path, { auth: { type: 'basic', username: 'b' } });
    const { authorization } = (await publish(subscription)).headers;
    expect(authorization).toBe(`Basic ${Buffer.from('b:secret').toString('base64')}`);
    expect((await api.patch(path, { auth: null })).auth).toBeNull();
    expect((await publish(subscription)).headers).not.toHaveProperty('authorization');
  });
});

describe('a bearer JWT', () => {
  /** As a receiver checks it that knows the secret and HS256, n8n's Webhook node for one. */
  function checkedClaims(request: ReceivedRequest, secret: string) {
    const [scheme, token = ''] = String(request.headers.authorization).split(' ');
    expect(scheme).toBe('Bearer');
    const [header = '', claims = '', signature] = token.split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(signature).toBe(createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url'));
    return JSON.parse(Buffer.from(claims, 'base64url').toString());
  }

  it('proves to a receiver without HMAC who sends which body, for a minute', async () => {
    const subscription = await subscribe({ auth: { type: 'bearer-jwt' }, fields: ['/a'] });
    expect(subscription.auth).toEqual({
      type: 'bearer-jwt',
      audience: null,
      expiresInSeconds: 60,
      secret: expect.stringMatching(/^[\w-]{43}$/),
    });
    const request = await publish(subscription, { a: 'é', b: 2 });
    const iat = Number(request.headers['webhook-timestamp']);
    expect(checkedClaims(request, subscription.auth.secret)).toEqual({
      iss: 'posthaste',
      sub: subscription.id,
      iat,
      exp: iat + 60,
      jti: request.headers['webhook-id'],
      sha256: createHash('sha256').update(request.rawBody).digest('hex'),
    });
    new Webhook(subscription.secret).verify(request.body, request.headers as Record<string, string>);
  });

  it('takes an own secret, an audience and a lifetime; nothing of the secret or a token is kept in the clear', async () => {
    const secret = 'a secret of our own, in-the-clear-4';
    const auth = { type: 'bearer-jwt', secret, audience: 'https://n8n.example.com', expiresInSeconds: 300 };
    const subscription = await subscribe({ auth });
    const shown = { type: 'bearer-jwt', audience: 'https://n8n.example.com', expiresInSeconds: 300 };
    expect(subscription.auth).toEqual(shown);
    const request = await publish(subscription);
    const claims = checkedClaims(request, secret);
    expect(claims).toMatchObject({ aud: 'https://n8n.example.com', exp: claims.iat + 300 });
    expect(await recordedHeaders(subscription)).toMatchObject({ authorization: 'Bearer •••' });
    expect(await wholeDatabase()).not.toMatch(/in-the-clear-4|eyJhbGci/);
    expect((await api.get(`/api/v1/subscriptions/${subscription.id}`)).auth).toEqual(shown);
  });

  it('keeps its secret over a change of the rest, and shows a new one only when it makes one', async () => {
    const subscription = await subscribe({ auth: { type: 'bearer-jwt' }, externalKey: 'jwt-kept' });
    const path = `/api/v1/subscriptions/${subscription.id}`;
    const changed = await api.patch(path, { auth: { type: 'bearer-jwt', audience: 'there', secret: null } });
    expect(changed.auth).toEqual({ type: 'bearer-jwt', audience: 'there', expiresInSeconds: 60 });
    const again = {
      url: receiver.url,
      eventTypes: [subscription.type],
      externalKey: 'jwt-kept',
      auth: { type: 'bearer-jwt' },
    };
    expect((await api.post('/api/v1/subscriptions', again, 200)).auth).toEqual(changed.auth);
    expect(checkedClaims(await publish(subscription), subscription.auth.secret)).toMatchObject({ aud: 'there' });
    await api.patch(path, { auth: null });
    const made = await api.patch(path, { auth: { type: 'bearer-jwt' } });
    expect(made.auth.secret).not.toBe(subscription.auth.secret);
    checkedClaims(await publish(subscription), made.auth.secret);
    expect((await api.get(path)).auth).not.toHaveProperty('secret');
  });
});

describe('auth', () => {
  it.each([
    [{ type: 'digest' }, '/auth/type'],
    [{}, '/auth/type'],
    [{ type: 'basic', password: 'p' }, '/auth/username'],
    [{ type: 'basic', username: 'u' }, '/auth/password'],
    [{ type: 'basic', username: 'a:b', password: 'p' }, '/auth/username'],
    [{ type: 'basic', username: 'a\nb', password: 'p' }, '/auth/username'],
    [{ type: 'basic', username: 'u', password: 'p\u0000' }, '/auth/password'],
    [{ type: 'basic', username: 'u', password: 'p', secret: 's'.repeat(32) }, '/auth/secret'],
    [{ type: 'bearer-jwt', username: 'u' }, '/auth/username'],
    [{ type: 'bearer-jwt', secret: 's'.repeat(31) }, '/auth/secret'],
    [{ type: 'bearer-jwt', expiresInSeconds: 5 }, '/auth/expiresInSeconds'],
    [{ type: 'bearer-jwt', algorithm: 'none' }, '/auth/algorithm'],
    [[{ type: 'bearer-jwt' }], '/auth'],
    ['basic', '/auth'],
  ])('%j is refused with a pointer to %s', async (auth, pointer) => {
    expect((await refused({ auth })).errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });

  it('and a custom Authorization header exclude each other, whichever came first', async () => {
    const both = { headers: { authorization: 'Token x' }, auth: { type: 'bearer-jwt' } };
    expect((await refused(both)).errors[0].pointer).toBe('/headers/authorization');
    const withHeader = await subscribe({ headers: both.headers });
    const withAuth = await subscribe({ auth: both.auth });
    const patched = (id: string, change: object) => api.patch(`/api/v1/subscriptions/${id}`, change, 422);
    expect((await patched(withHeader.id, { auth: both.auth })).errors[0].pointer).toBe('/auth');
    expect((await patched(withAuth.id, { headers: both.headers })).errors[0].pointer).toBe('/headers/authorization');
  });

  it('and custom headers do not move to another server unless they are given again', async () => {
    const elsewhere = await startReceiver();
    try {
      const subscription = await subscribe({
        headers: { 'x-key': 'for the first only' },
        auth: { type: 'basic', username: 'u', password: 'p' },
      });
      const path = `/api/v1/subscriptions/${subscription.id}`;
      const move = (change: object, status: number) => api.patch(path, { url: elsewhere.url, ...change }, status);
      expect((await move({}, 422)).errors[0].pointer).toBe('/headers');
      expect((await move({ headers: null }, 422)).errors[0].pointer).toBe('/auth');
      expect((await move({ auth: null, headers: { 'x-key': '•••' } }, 422)).errors[0].pointer).toBe('/headers/x-key');
      const nameOnly = { type: 'basic', username: 'u' };
      expect((await move({ headers: null, auth: nameOnly }, 422)).errors[0].pointer).toBe('/auth/password');
      await api.patch(path, { url: `${receiver.url}/same-server` });
      await move({ headers: null, auth: { ...nameOnly, password: 'another' } }, 200);
      await api.post('/api/v1/events', { type: subscription.type, data: {} }, 202);
      await eventually(() => expect(elsewhere.requests).toHaveLength(1));
      expect(elsewhere.requests[0]!.headers).not.toHaveProperty('x-key');
    } finally {
      await elsewhere.close();
    }
  });
});
