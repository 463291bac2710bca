import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Authenticator } from '../../src/tenants/authenticator.js';
import { Api } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { type RawAnswer, sendRaw } from '../support/raw-request.js';
import { as, createKey } from './tenants/tenancy.js';

let app: TestApp;
let key: { id: string; publicId: string; key: string };

const EVENT = { type: 'order.placed', data: { n: 1, text: 'ç "quoted"' }, occurredAt: '2026-01-02T03:04:05Z' };
const ROUTES = ['events', 'batch', 'inbound'] as const;
type Route = (typeof ROUTES)[number];
const PATHS = { events: '/api/v1/events', batch: '/api/v1/events/batch', inbound: '/api/webhooks/order.placed' };
const BODIES = { events: EVENT, batch: [EVENT], inbound: { n: 1, text: 'ç' } };

const credential = (route: Route, apiKey = key.key): Record<string, string> =>
  route === 'inbound' ? { 'X-Tenant-ID': app.tenant.id, 'X-API-Key': apiKey } : { Authorization: `Bearer ${apiKey}` };

function send(
  route: Route,
  body: unknown = BODIES[route],
  headers: Record<string, string> = {},
  path = PATHS[route],
): Promise<RawAnswer> {
  const all = { 'Content-Type': 'application/json', ...credential(route), ...headers };
  return sendRaw(app.url + path, {
    headers: Object.entries(all).filter(([, value]) => value !== ''),
    body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  });
}

/** The same through the guards and interceptors: an X-Admin-ID has to be looked at. */
const sendUsually = (route: Route, body?: unknown, headers: Record<string, string> = {}, path?: string) =>
  send(route, body, { 'X-Admin-ID': key.publicId, ...headers }, path);

const codeOf = ({ body }: RawAnswer) => JSON.parse(body).code;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  key = await createKey(app, app.apiKey, ['events:write', 'inbound:write']);
  // From now on the key is remembered, and so is what the tenant has set.
  for (const route of ROUTES) expect((await send(route)).status).toBe(202);
});

describe.each(ROUTES)('a plain request (%s)', (route) => {
  it('with a remembered key asks nobody, and is answered as any other', async () => {
    const asked = vi.spyOn(app.app.get(Authenticator), 'authenticate');
    const short = await send(route);
    expect(asked).not.toHaveBeenCalled();
    const usual = await sendUsually(route);
    expect(asked).toHaveBeenCalledOnce();
    asked.mockRestore();
    expect([short.status, shape(short)]).toEqual([202, shape(usual)]);
    expect(Object.keys(short.headers).sort()).toEqual(Object.keys(usual.headers).sort());
    expect(short.headers['content-type']).toBe(usual.headers['content-type']);
  });

  it.each<[string, unknown, Record<string, string>]>([
    ['nothing', '', {}],
    ['broken JSON', '{"type":', {}],
    ['JSON after a byte order mark', Buffer.from('\ufeff{}'), {}],
    ['a prototype to poison', '{"type":"a.b","data":{},"__proto__":{"x":1}}', {}],
    ['a constructor to poison', '{"type":"a.b","data":{"constructor":{"prototype":{}}}}', {}],
    ['a number', '1', {}],
    ['null', 'null', {}],
    ['an empty list', '[]', {}],
    ['a list of nonsense', '[1, {}, {"type":"a.b"}]', {}],
    ['a misspelt field', { ...EVENT, datum: 1 }, {}],
    ['a type that is none', { type: 'not a type', data: {} }, {}],
    ['data that does not fit', { type: 'contact.created', data: { email: 1 } }, {}],
    ['a NUL in a channel', { ...EVENT, channel: 'a\u0000' }, {}],
    ['a text that cannot be stored', { ...EVENT, data: { text: '\u0000' } }, {}],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}],
    ['JSON nested 100 deep', `${'['.repeat(100)}${']'.repeat(100)}`, {}],
    ['too much', `"${'x'.repeat(1024 * 1024)}"`, {}],
    ['a form', 'type=a.b', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['a text', '{}', { 'Content-Type': 'text/plain' }],
    ['no content type', '{}', { 'Content-Type': '' }],
    ['JSON in another charset', '{}', { 'Content-Type': 'application/json; charset=latin1' }],
    ['a compressed body', '{}', { 'Content-Encoding': 'gzip' }],
    ['an odd Idempotency-Key', BODIES[route], { 'Idempotency-Key': 'a b' }],
  ])('with %s is answered as any other', async (_what, body, headers) => {
    const [short, usual] = [await send(route, body, headers), await sendUsually(route, body, headers)];
    expect([short.status, shape(short)]).toEqual([usual.status, shape(usual)]);
    expect(short.headers['content-type']).toBe(usual.headers['content-type']);
  });

  it('is refused from the moment its key is revoked', async () => {
    await as(app, app.apiKey).delete(`/api/v1/api-keys/${key.id}`).expect(204);
    const refused = await send(route);
    expect([refused.status, codeOf(refused)]).toEqual([401, 'unauthenticated']);
    expect(refused.headers['www-authenticate']).toBe('Bearer realm="posthaste"');
  });

  it('needs the scope, and a credential that is right', async () => {
    const { key: other } = await createKey(app, app.apiKey, ['events:read']);
    const without = [await send(route, undefined, credential(route, other))];
    without.push(await send(route, undefined, credential(route, other)));
    for (const refused of without) expect([refused.status, codeOf(refused)]).toEqual([403, 'missing_scope']);
    for (const wrong of [`${key.key}x`, key.key.slice(0, -1), 'phk_nobody00_0123456789abcdef0123456789ABCDEF']) {
      expect((await send(route, undefined, credential(route, wrong))).status).toBe(401);
    }
    const none = Object.fromEntries(Object.keys(credential(route)).map((name) => [name, '']));
    expect((await send(route, undefined, none)).status).toBe(401);
    const two = { Authorization: `Bearer ${key.key}`, 'X-API-Key': app.apiKey };
    expect((await send(route, undefined, two)).status).toBe(401);
    expect((await send(route, undefined, { 'X-Admin-ID': 'somebody@else.example' })).status).toBe(401);
  });

  it('with an Idempotency-Key has its effect once', async () => {
    const headers = { 'Idempotency-Key': `once-${route}` };
    const [first, second] = [await send(route, undefined, headers), await send(route, undefined, headers)];
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(idOf(second)).toBe(idOf(first));
    const other = await send(route, [{ ...EVENT, type: 'order.changed' }], headers);
    expect([other.status, codeOf(other)]).toEqual([422, 'idempotency_key_reused']);
  });

  it('is taken in pieces, of unknown length, and two at once over one connection', async () => {
    const body = JSON.stringify(BODIES[route]);
    const head = [
      `POST ${PATHS[route]} HTTP/1.1`,
      'Host: test',
      ...Object.entries(credential(route)).map(([name, value]) => `${name}: ${value}`),
      'Content-Type: application/json',
    ].join('\r\n');
    const whole = `${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    const chunked = `${head}\r\nTransfer-Encoding: chunked\r\n\r\n${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    expect(await statuses([whole.slice(0, -7), whole.slice(-7)], 1)).toEqual(['202']);
    expect(await statuses([whole + chunked + whole], 3)).toEqual(['202', '202', '202']);
  });
});

it('limits set on the API hold from the next request on', async () => {
  const api = Api.of(app);
  await api.patch('/api/v1/tenant', { settings: { rateLimits: { apiPerMinute: 2 } } });
  const answers = [await send('events'), await send('batch'), await send('events')];
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 429]);
  expect(answers[2]!.headers).toMatchObject({ 'retry-after': expect.any(String), ratelimit: expect.any(String) });
  // What comes in with the tenant's key is counted by itself.
  expect((await send('inbound')).status).toBe(202);
  await app.database.query(`update tenants set settings = '{}'; delete from rate_limits`);
  await app.database.query(`select pg_notify('posthaste_credentials', '')`);
});

it('a path that is a route of its own is not the name of an event', async () => {
  const answer = await send(
    'inbound',
    { event_name: 'a.b', target_url: 'http://127.0.0.1:9/' },
    {},
    '/api/webhooks/subscriptions',
  );
  expect([answer.status, codeOf(answer)]).toEqual([403, 'missing_scope']);
});

describe('a known path', () => {
  it.each([
    ['PUT', '/api/v1/events', 'GET, HEAD, POST'],
    ['DELETE', '/api/v1/events?limit=1', 'GET, HEAD, POST'],
    ['POST', '/api/v1/events/019ab0c4-5a7e-7b30-9c1f-3f2a6d0e8b01', 'GET, HEAD'],
    ['PATCH', '/api/webhooks/order.placed', 'POST'],
    ['POST', '/health/ready', 'GET, HEAD'],
  ])('asked with %s %s says which methods it takes', async (method, path, allow) => {
    const answer = await sendRaw(app.url + path, { method });
    expect([answer.status, codeOf(answer)]).toEqual([405, 'method_not_allowed']);
    expect(answer.headers.allow).toBe(allow);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  });

  it.each(['/api/v1/event', '/', '/api/v1/events/a/b/c/d'])('is not made of %s', async (path) => {
    const answer = await sendRaw(app.url + path, { method: 'PUT' });
    expect([answer.status, codeOf(answer)]).toEqual([404, 'route_not_found']);
  });
});

/** What an answer says, without what is new each time. */
function shape({ body }: RawAnswer): unknown {
  return JSON.parse(body, (name, value) =>
    ['id', 'requestId', 'createdAt', 'received_at'].includes(name) ? typeof value : value,
  );
}

function idOf({ body }: RawAnswer): string {
  const answer = JSON.parse(body);
  return answer.id ?? answer.data[0].id;
}

/** Writes the pieces one after another and reads so many answers. */
function statuses(pieces: string[], count: number): Promise<string[]> {
  const { port, hostname } = new URL(app.url);
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect({ port: Number(port), host: hostname, noDelay: true });
    const write = async () => {
      for (const piece of pieces) await new Promise((written) => socket.write(piece, written));
    };
    socket.on('connect', () => void write());
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      received += chunk;
      const found = [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status as string);
      if (found.length < count || !received.endsWith('}')) return;
      socket.destroy();
      resolve(found);
    });
  });
}
