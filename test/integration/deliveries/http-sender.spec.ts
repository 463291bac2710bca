import type { LookupAddress } from 'node:dns';
import net, { type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Config } from '../../../src/config/env.js';
import { attemptError, type SendResult } from '../../../src/core/attempt-outcome.js';
import type { NetworkOptions } from '../../../src/deliveries/guarded-connector.js';
import { HttpSender } from '../../../src/deliveries/http-sender.js';
import { type Authority, type Certificate, createAuthority } from '../../support/certificates.js';
import { startConnectProxy } from '../../support/connect-proxy.js';
import { eventually } from '../../support/eventually.js';
import { startReceiver } from '../../support/receiver.js';

const LOOPBACK = '127.0.0.1/32';
const PUBLIC = '93.184.215.14';

let authority: Authority;
/** For hooks.example.com and 127.0.0.1. */
let valid: Certificate;
beforeAll(async () => {
  authority = await createAuthority();
  valid = await authority.issue(['DNS:hooks.example.com', 'IP:127.0.0.1']);
});
afterAll(() => authority.remove());

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
async function started<T extends { close(): Promise<unknown> }>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  open.push(() => server.close());
  return server;
}

/** A server that says these bytes to whatever it hears, and then ends the connection or not. */
async function startTalker(answer: string, { ends }: { ends: boolean }) {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {}).once('data', () => (ends ? socket.end(answer) : socket.write(answer)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A sender whose name server gives these answers in turn, the last one for ever; it counts how often it was asked. */
function senderWith(env: Record<string, string>, answers: string[][] = []) {
  const names: string[] = [];
  const lookup: NetworkOptions['lookup'] = (hostname, _options, callback) => {
    names.push(hostname);
    const addresses = answers[Math.min(names.length, answers.length) - 1] ?? [];
    callback(
      null,
      addresses.map((address): LookupAddress => ({ address, family: net.isIP(address) })),
    );
  };
  return { ...senderOn({ lookup, ca: authority.ca }, env), names };
}

function senderOn(network: NetworkOptions, env: Record<string, string>) {
  const config = Config.load({ NODE_ENV: 'test', ALLOW_PRIVATE_TARGETS: LOOPBACK, ...env }, '0');
  const sender = new HttpSender(config, network);
  open.push(() => sender.onApplicationShutdown());
  const send = (url: string, timeoutMs = 30_000): Promise<SendResult> =>
    sender.send({ url: new URL(url), headers: { 'content-type': 'application/json' }, body: '{}', timeoutMs });
  return { send };
}

/** Production's policy: nothing but public addresses. */
const PUBLIC_ONLY = { ALLOW_PRIVATE_TARGETS: '255.255.255.255/32' };

describe('the address that was checked is the one that is connected to', () => {
  it('when the name points elsewhere a moment later: one lookup for each connection, and the second answer is refused', async () => {
    const receiver = await started(startReceiver({ script: [{ headers: { connection: 'close' } }] }));
    const { send, names } = senderWith({}, [['127.0.0.1'], ['127.0.0.2']]);
    const url = `http://rebind.example.com:${receiver.port}/`;
    expect(await send(url)).toMatchObject({ kind: 'response', status: 200 });
    expect(names).toEqual(['rebind.example.com']);
    const second = await send(url);
    expect(second).toMatchObject({ kind: 'blocked', message: expect.stringContaining('127.0.0.2') });
    expect(attemptError(second)).toMatchObject({ code: 'blocked_address' });
    expect(names).toHaveLength(2);
    expect(receiver.connections()).toBe(1);
    expect(receiver.requests[0]!.headers.host).toBe(`rebind.example.com:${receiver.port}`);
  });

  it.each([
    ['169.254.169.254'],
    ['10.0.0.1'],
    ['::1'],
    ['::ffff:10.0.0.1'],
    ['64:ff9b::a00:1'],
    ['127.0.0.2'],
    ['::127.0.0.1'],
  ])('so a name that resolves to %s is refused, also beside an allowed address', async (address) => {
    const receiver = await started(startReceiver());
    const { send } = senderWith({}, [['127.0.0.1', address], [address]]);
    for (let i = 0; i < 2; i++) {
      expect(await send(`http://mixed.example.com:${receiver.port}/`)).toMatchObject({
        kind: 'blocked',
        message: expect.stringContaining(`"mixed.example.com" resolves to ${address}.`),
      });
    }
    expect(receiver.connections()).toBe(0);
  });

  it.each([
    'http://127.0.0.2/',
    'http://2130706434/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.2]/',
    'http://127.0.0.1:22/',
  ])('and %s is refused without a lookup, however it came to be stored', async (url) => {
    const { send, names } = senderWith({}, [['127.0.0.1']]);
    expect(await send(url)).toMatchObject({ kind: 'blocked' });
    expect(await send('http://metadata.google.internal/')).toMatchObject({ kind: 'blocked' });
    expect(names).toEqual([]);
  });

  it('and a port that the operator allows is tried', async () => {
    const { send } = senderWith({ ALLOW_TARGET_PORTS: '1' });
    expect(await send('http://127.0.0.1:1/')).toMatchObject({ kind: 'unreachable', code: 'ECONNREFUSED' });
  });

  it('and where a name has several, the next one is tried when the first does not answer', async () => {
    const receiver = await started(startReceiver());
    const { send } = senderWith({ ALLOW_PRIVATE_TARGETS: '127.0.0.0/30' }, [['127.0.0.2', '127.0.0.1']]);
    expect(await send(`http://two.example.com:${receiver.port}/`)).toMatchObject({ kind: 'response', status: 200 });
  });

  it('and a name without addresses is a DNS error', async () => {
    const { send } = senderWith({}, [[]]);
    expect(attemptError(await send('http://empty.example.com/'))).toMatchObject({ code: 'dns' });
  });
});

describe('connections', () => {
  it('are used again for the next request', async () => {
    const receiver = await started(startReceiver());
    const { send, names } = senderWith({}, [['127.0.0.1']]);
    for (let i = 0; i < 5; i++) await send(`http://again.example.com:${receiver.port}/`);
    expect([receiver.requests.length, receiver.connections(), names.length]).toEqual([5, 1, 1]);
  });

  it('are opened 32 at a time with one lookup, and then serve the next 32 requests', async () => {
    const receiver = await started(startReceiver());
    const { send, names } = senderWith({}, [['127.0.0.1']]);
    for (const count of [32, 64]) {
      // Answered when all are there: so all are under way at once.
      receiver.respondWith(async () => {
        await eventually(() => expect(receiver.requests).toHaveLength(count));
        return 200;
      });
      const results = await Promise.all(
        Array.from({ length: 32 }, () => send(`http://many.example.com:${receiver.port}/`)),
      );
      expect(results.every((result) => result.kind === 'response')).toBe(true);
    }
    expect(receiver.connections()).toBe(32);
    expect(names).toHaveLength(1);
  });

  it('that come after the deadline are not used: the name server was too slow', async () => {
    const receiver = await started(startReceiver());
    let answer = () => {};
    const { send } = senderOn(
      {
        lookup: (_hostname, _options, callback) => {
          answer = () => callback(null, [{ address: '127.0.0.1', family: 4 }]);
        },
      },
      {},
    );
    const result = await send(`http://slow.example.com:${receiver.port}/`, 50);
    expect(result).toEqual({ kind: 'timeout', phase: 'connect', afterMs: 50 });
    expect(attemptError(result)).toMatchObject({ code: 'timeout_connect' });
    answer();
    await eventually(() => expect(receiver.connections()).toBe(1));
    // A request that is sent now is the only one that arrives.
    const next = send(`http://slow.example.com:${receiver.port}/next`);
    await eventually(() => {
      answer();
      expect(receiver.requests).toHaveLength(1);
    });
    await next;
    expect(receiver.requests[0]!.path).toBe('/next');
  });

  it.each([
    ['connect', 'https', ''],
    ['headers', 'http', ''],
    ['body', 'http', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
  ])('that go silent end at the deadline, which says where: %s', async (phase, protocol, answer) => {
    const talker = await started(startTalker(answer, { ends: false }));
    const { send } = senderWith({});
    const result = await send(`${protocol}://${talker.host}/`, 2000);
    expect(result).toEqual({ kind: 'timeout', phase, afterMs: 2000 });
  });

  it('that answer something else than HTTP are told as such', async () => {
    const talker = await started(startTalker('220 mail.example.com ready\r\n', { ends: true }));
    const { send } = senderWith({});
    expect(attemptError(await send(`http://${talker.host}/`))).toMatchObject({ code: 'not_http' });
  });

  it('that end in the middle of an answer are told as such', async () => {
    const talker = await started(startTalker('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', { ends: true }));
    const { send } = senderWith({});
    expect(attemptError(await send(`http://${talker.host}/`))).toMatchObject({ code: 'connection_reset' });
  });
});

describe('over TLS', () => {
  it.each([
    ['hooks.example.com', 'hooks.example.com'],
    ['hooks.example.com.', 'hooks.example.com'],
    ['127.0.0.1', null],
  ])('%s is asked for by its name and must have its certificate', async (host, servername) => {
    const receiver = await started(startReceiver({ tls: valid }));
    const { send } = senderWith({}, [['127.0.0.1']]);
    expect(await send(`https://${host}:${receiver.port}/`)).toMatchObject({ kind: 'response', status: 200 });
    expect(receiver.requests[0]).toMatchObject({ servername, headers: { host: `${host}:${receiver.port}` } });
  });

  it('connections are used again too', async () => {
    const receiver = await started(startReceiver({ tls: valid }));
    const { send } = senderWith({}, [['127.0.0.1']]);
    for (let i = 0; i < 3; i++) await send(`https://hooks.example.com:${receiver.port}/`);
    expect([receiver.requests.length, receiver.connections()]).toEqual([3, 1]);
  });

  it.each([
    ['has expired', () => authority.issue(['DNS:hooks.example.com'], { expired: true }), 'tls_certificate_expired'],
    ['is for another host', () => authority.issue(['DNS:other.example.com']), 'tls_certificate_wrong_host'],
    ['is signed by itself', () => authority.selfSigned(['DNS:hooks.example.com']), 'tls_certificate_self_signed'],
  ])('a certificate that %s is refused', async (_, certificate, code) => {
    const receiver = await started(startReceiver({ tls: await certificate() }));
    const { send } = senderWith({}, [['127.0.0.1']]);
    const error = attemptError(await send(`https://hooks.example.com:${receiver.port}/`));
    expect(error).toMatchObject({ code, message: expect.stringContaining('TLS certificate') });
    expect(receiver.requests).toEqual([]);
  });

  it('a certificate of an unknown authority is refused', async () => {
    const receiver = await started(startReceiver({ tls: valid }));
    const { send } = senderOn({}, {});
    expect(attemptError(await send(receiver.url))).toMatchObject({ code: 'tls_certificate_untrusted' });
    expect(receiver.requests).toEqual([]);
  });

  it('an endpoint that only speaks plain HTTP, or hangs up, is told apart', async () => {
    const plain = await started(startReceiver());
    const { send } = senderWith({});
    expect(attemptError(await send(`https://127.0.0.1:${plain.port}/`))).toMatchObject({ code: 'tls_not_spoken' });
    const hangsUp = await started(startTalker('', { ends: true }));
    expect(attemptError(await send(`https://${hangsUp.host}/`))).toMatchObject({ code: 'tls_handshake' });
  });
});

describe('through a forward proxy', () => {
  it('the checked address is what it is asked for, once for many requests; its own address needs no permission', async () => {
    const receiver = await started(startReceiver());
    const proxy = await started(startConnectProxy(() => ({ port: receiver.port })));
    const { send, names } = senderWith({ DELIVERY_PROXY_URL: proxy.url, ...PUBLIC_ONLY }, [[PUBLIC]]);
    for (let i = 0; i < 3; i++) await send('http://hooks.example.com:8080/path?a=1');
    expect(proxy.asked.map(({ authority }) => authority)).toEqual([`${PUBLIC}:8080`]);
    expect(proxy.asked[0]!.headers).not.toHaveProperty('proxy-authorization');
    expect(names).toHaveLength(1);
    expect(receiver.requests).toHaveLength(3);
    expect(receiver.requests[2]).toMatchObject({ path: '/path?a=1', headers: { host: 'hooks.example.com:8080' } });
  });

  it.each(['http', 'https'])('TLS goes end to end, by the name, through an %s proxy', async (protocol) => {
    const receiver = await started(startReceiver({ tls: valid }));
    const proxy = await started(
      startConnectProxy(() => ({ port: receiver.port }), protocol === 'https' ? valid : undefined),
    );
    const { send } = senderWith({ DELIVERY_PROXY_URL: proxy.url, ...PUBLIC_ONLY }, [['2606:4700:4700::1111']]);
    const results = await Promise.all(Array.from({ length: 4 }, () => send('https://hooks.example.com/')));
    expect(results).toMatchObject(Array(4).fill({ kind: 'response', status: 200 }));
    expect(proxy.asked[0]!.authority).toBe('[2606:4700:4700::1111]:443');
    expect(receiver.requests[0]).toMatchObject({
      servername: 'hooks.example.com',
      headers: { host: 'hooks.example.com' },
    });
    const wrongName = await send('https://other.example.com/');
    expect(attemptError(wrongName)).toMatchObject({ code: 'tls_certificate_wrong_host' });
  });

  it('a private target is refused before it is asked, also when the name only points there later', async () => {
    const receiver = await started(startReceiver({ script: [{ headers: { connection: 'close' } }] }));
    const proxy = await started(startConnectProxy(() => ({ port: receiver.port })));
    const { send } = senderWith({ DELIVERY_PROXY_URL: proxy.url, ...PUBLIC_ONLY }, [[PUBLIC], ['10.0.0.1']]);
    expect(await send('http://10.0.0.1/')).toMatchObject({ kind: 'blocked' });
    expect(await send('http://hooks.example.com/')).toMatchObject({ kind: 'response' });
    expect(await send('http://hooks.example.com/')).toMatchObject({ kind: 'blocked' });
    expect(proxy.asked).toHaveLength(1);
  });

  it('it gets the name and password of its URL', async () => {
    const receiver = await started(startReceiver());
    const proxy = await started(
      startConnectProxy((_, headers) =>
        headers['proxy-authorization'] === `Basic ${Buffer.from('me:p@ss word').toString('base64')}`
          ? { port: receiver.port }
          : { status: 407 },
      ),
    );
    const url = (userinfo: string) => proxy.url.replace('://', `://${userinfo}@`);
    const right = senderWith({ DELIVERY_PROXY_URL: url('me:p%40ss%20word'), ...PUBLIC_ONLY }, [[PUBLIC]]);
    expect(await right.send('http://hooks.example.com/')).toMatchObject({ kind: 'response' });
    expect(receiver.requests[0]!.headers).not.toHaveProperty('proxy-authorization');
    const wrong = senderWith({ DELIVERY_PROXY_URL: url('me:wrong'), ...PUBLIC_ONLY }, [[PUBLIC]]);
    expect(attemptError(await wrong.send('http://hooks.example.com/'))).toEqual({
      code: 'proxy',
      message: `The forward proxy answered 407 when it was asked to connect to ${PUBLIC}:80.`,
    });
  });

  it('the next address is tried when it cannot reach one', async () => {
    const receiver = await started(startReceiver());
    const proxy = await started(
      startConnectProxy((authority) => (authority.startsWith('[') ? { status: 502 } : { port: receiver.port })),
    );
    const { send } = senderWith({ DELIVERY_PROXY_URL: proxy.url, ...PUBLIC_ONLY }, [['2606:4700:4700::1111', PUBLIC]]);
    expect(await send('http://hooks.example.com/')).toMatchObject({ kind: 'response', status: 200 });
    expect(proxy.asked).toHaveLength(2);
  });

  it('a proxy that is not there, or does not answer, is told as such', async () => {
    const proxy = await startConnectProxy(() => 'hang');
    const { send } = senderWith({ DELIVERY_PROXY_URL: proxy.url, ...PUBLIC_ONLY }, [[PUBLIC]]);
    expect(await send('http://hooks.example.com/', 500)).toEqual({ kind: 'timeout', phase: 'connect', afterMs: 500 });
    await proxy.close();
    const error = attemptError(await send('http://other.example.com/'));
    expect(error).toEqual({ code: 'proxy', message: 'The forward proxy cannot be used (ECONNREFUSED).' });
  });
});
