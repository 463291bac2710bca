import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../../support/api.js';
import { startTestApp, type TestApp } from '../../support/app.js';
import { type Authority, createAuthority } from '../../support/certificates.js';
import { startConnectProxy } from '../../support/connect-proxy.js';
import { eventually } from '../../support/eventually.js';
import { type Receiver, startReceiver } from '../../support/receiver.js';

let app: TestApp;
let api: Api;
let receiver: Receiver;
let authority: Authority;
let unique = 0;

beforeAll(async () => {
  app = await startTestApp();
  api = Api.of(app);
  authority = await createAuthority();
});
afterAll(async () => {
  await app.close();
  await authority.remove();
});
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

/** Subscribes this URL to a type of its own, publishes one event and gives the only attempt. */
async function attemptTo(url: string) {
  const type = `target.case${++unique}`;
  await api.post('/api/v1/subscriptions', { url, eventTypes: [type], retryAttempts: 0 }, 201);
  const { id } = await api.post('/api/v1/events', { type, data: {} }, 202);
  return eventually(async () => {
    const { deliveries } = await api.get(`/api/v1/events/${id}`);
    const { attempts } = await api.get(`/api/v1/deliveries/${deliveries[0].id}`);
    expect(attempts).toHaveLength(1);
    return attempts[0];
  });
}

describe('a subscription to a target that is not allowed', () => {
  const refused = [
    ['http://10.0.0.8/hook', 'private'],
    ['http://169.254.169.254/latest', 'link-local'],
    ['http://[fd00::1]/hook', 'unique local'],
    ['http://[64:ff9b::a00:8]/hook', 'NAT64'],
    ['http://[::ffff:10.0.0.8]/hook', 'private'],
    ['http://0x0a000001/hook', 'private'],
    ['http://012.0.0.1./hook', 'private'],
    ['http://metadata.google.internal/computeMetadata/v1/', 'metadata'],
    ['http://example.com:6379/', 'ALLOW_TARGET_PORTS'],
    ['ftp://example.com/x', 'http'],
    ['https://user:pass@example.com/', 'user name'],
    ['not a url', 'not a URL'],
  ] as const;

  it.each(refused)('%s is refused', async (url, words) => {
    const problem = await api.post('/api/v1/subscriptions', { url, eventTypes: ['*'] }, 422);
    expect(problem).toMatchObject({ code: 'target_not_allowed', errors: [{ pointer: '/url' }] });
    expect(problem.detail).toContain(words);
  });

  it('cannot come by a change either', async () => {
    const { id } = await api.post('/api/v1/subscriptions', { url: receiver.url, eventTypes: ['changed.one'] }, 201);
    for (const [url] of refused) {
      const problem = await api.patch(`/api/v1/subscriptions/${id}`, { url }, 422);
      expect(problem.code).toBe('target_not_allowed');
    }
  });
});

describe('an attempt', () => {
  it.each(['127.0.0.1', 'localhost'])(
    'to %s, which was allowed when the subscription was made, is refused when the connection is made, and says so',
    async (host) => {
      const guarded = await startTestApp({
        database: app.database,
        config: { ALLOW_PRIVATE_TARGETS: '10.255.255.0/24' },
      });
      try {
        const url = `http://${host}:${receiver.port}/`;
        const { id } = await api.post('/api/v1/subscriptions', { url, eventTypes: ['guarded.one'] }, 201);
        // Sent by the process that is asked, not by the other one.
        const delivery = await Api.of(guarded).post(`/api/v1/subscriptions/${id}/test`, {}, 200);
        expect(delivery).toMatchObject({ status: 'failed', attempts: [{ number: 1, statusCode: null }] });
        expect(delivery.attempts[0].error).toEqual({
          code: 'blocked_address',
          message: expect.stringMatching(/loopback.*ALLOW_PRIVATE_TARGETS/),
        });
        expect(receiver.connections()).toBe(0);
      } finally {
        await guarded.close();
      }
    },
  );

  it('does not follow a redirect, wherever it leads', async () => {
    const inside = await startReceiver();
    try {
      receiver.respondWith([{ status: 307, headers: { location: inside.url } }]);
      expect((await attemptTo(receiver.url)).error).toMatchObject({ code: 'http_307' });
      expect(receiver.requests).toHaveLength(1);
      expect(inside.connections()).toBe(0);
    } finally {
      await inside.close();
    }
  });

  it('tells what is wrong with a TLS certificate', async () => {
    const tls = await authority.selfSigned(['IP:127.0.0.1']);
    const selfSigned = await startReceiver({ tls });
    try {
      expect(await attemptTo(selfSigned.url)).toMatchObject({
        statusCode: null,
        error: { code: 'tls_certificate_self_signed', message: expect.stringContaining('signed by itself') },
      });
      expect(selfSigned.requests).toHaveLength(0);
    } finally {
      await selfSigned.close();
    }
  });
});

describe('with DELIVERY_PROXY_URL', () => {
  it('deliveries go through the proxy, to the address that was checked', async () => {
    const proxy = await startConnectProxy((asked) => ({ port: Number(asked.split(':').at(-1)) }));
    const proxied = await startTestApp({ config: { DELIVERY_PROXY_URL: proxy.url } });
    try {
      const proxiedApi = Api.of(proxied);
      const url = `http://localhost:${receiver.port}/hook`;
      await proxiedApi.post('/api/v1/subscriptions', { url, eventTypes: ['proxied.*'] }, 201);
      await proxiedApi.post('/api/v1/events', { type: 'proxied.one', data: {} }, 202);
      await eventually(() => expect(receiver.requests).toHaveLength(1));
      expect(receiver.requests[0]).toMatchObject({ path: '/hook', headers: { host: `localhost:${receiver.port}` } });
      // What localhost is, is the machine's to say; it must not be a name that the proxy resolves.
      expect(['127.0.0.1', '[::1]']).toContain(proxy.asked[0]!.authority.replace(/:\d+$/, ''));
    } finally {
      await proxied.close();
      await proxy.close();
    }
  });
});
