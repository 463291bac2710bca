import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { findProvider, PROVIDER_NAMES } from '../../src/core/provider-signatures/providers.js';
import { Settings } from '../../src/core/provider-signatures/settings.js';
import type { Verdict } from '../../src/core/provider-signatures/verdict.js';
import { verifyProviderRequest } from '../../src/core/provider-signatures/verify.js';
import { type SignatureCase, signatureVectors, toCase, toRequest } from './vectors/to-request.js';
import { expectDiscreet, verify } from './vectors/verify-case.js';

const valid = signatureVectors.filter((vector) => vector.valid);

describe('hostile requests', () => {
  const long = 'A'.repeat(1_000_000);
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const bodies: [string, Buffer][] = [
    ['empty', Buffer.alloc(0)],
    ['one NUL byte', Buffer.from([0])],
    ['invalid UTF-8', Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80])],
    ['NUL bytes in JSON', Buffer.from('{"id":"a\\u0000b\u0000","event":"\\ud800"}')],
    ['10 MB', Buffer.alloc(10_000_000, 'x')],
    ['100,000 levels deep', Buffer.from(deep)],
    ['deep members', Buffer.from(`${'{"payload":'.repeat(50_000)}1${'}'.repeat(50_000)}`)],
    ['prototype names', Buffer.from('{"__proto__":{"id":"x"},"constructor":{"event":1},"id":{"toString":1}}')],
    ['JSON null', Buffer.from('null')],
    ['JSON text', Buffer.from('"url_verification"')],
    [
      'wrong types',
      Buffer.from('{"id":[],"event":{},"entry":[null,{"changes":[null,{"value":3}]}],"message":5,"data":[1]}'),
    ],
    ['a form of nothing', Buffer.from('&&=&=&a=&=b&%&%zz=%&payload={')],
    ['a very long id', Buffer.from(JSON.stringify({ id: long, event: long, type: long, event_id: long }))],
  ];
  const values: [string, string[]][] = [
    ['empty', ['']],
    ['sent twice', ['x', 'y']],
    ['very long', [long]],
    ['commas', [','.repeat(100_000)]],
    ['many signatures', [`t=1760000000,${'v1=00,'.repeat(50_000)}`]],
    ['many entries', ['v1,AA== '.repeat(50_000)]],
    ['control characters', ['\u0000\u0001\r\n\t']],
    ['not ASCII', ['ünïcödé \u{1f600} \ud800']],
    ['prototype names', ['__proto__=1,constructor=2,t=__proto__,v1=toString']],
    ['a token of nothing', ['Bearer ..']],
    ['a token of garbage', [`Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`]],
    ['a long token', [`Bearer ${'e30.'.repeat(100_000)}`]],
    ['huge number', ['9'.repeat(400)]],
    ['negative number', ['-1']],
    ['not quite a number', ['1e9']],
  ];
  const urls = [
    '',
    '?',
    '/in/abc',
    'not a url',
    'https://',
    'https://[::1',
    'https://hooks.example.com/in?data.id=%ff%&data.id=2',
    `https://a/?${'a=1&'.repeat(50_000)}`,
  ];
  const headerNames = [
    ...new Set(valid.flatMap((vector) => Object.keys(vector.headers))),
    'X-HubSpot-Signature-Version',
    'X-Webhook-Token',
  ];
  const now = new Date(1_760_000_000_000);

  function expectRefusedInOrder(verdict: Verdict, about: string): void {
    expect(verdict.kind, about).toBe('refused');
    expect(verdict, about).not.toMatchObject({ reason: 'unverifiable' });
    expectDiscreet(verdict, ['a-secret-of-this-source']);
  }

  it.each(PROVIDER_NAMES.filter((name) => name !== 'none'))(
    '%s: refuses in words, whatever the headers hold',
    (provider) => {
      for (const method of ['POST', 'GET', 'TRACE', '']) {
        for (const [about, value] of values) {
          const headers = headerNames.flatMap((name) => value.map((one): [string, string] => [name, one]));
          const one: SignatureCase = {
            provider,
            method,
            headers,
            now,
            url: 'https://hooks.example.com/in/abc',
            body: Buffer.from('{}'),
            secrets: ['a-secret-of-this-source'],
            settings: {
              verifyToken: 'a-verify-token',
              jwks: { keys: [null, 1, { kid: 'x' }] },
              serviceAccountEmail: 'a@example.com',
            },
          };
          expectRefusedInOrder(verify(one), `${method} ${about}`);
        }
      }
    },
  );

  it.each(PROVIDER_NAMES.filter((name) => name !== 'none'))(
    '%s: refuses in words, whatever the body and the URL hold',
    (provider) => {
      const vector = valid.find((one) => one.provider === provider && one.method === 'POST');
      const known = vector ? toCase(vector) : undefined;
      for (const [about, body] of bodies) {
        for (const headers of [[], known?.headers ?? []]) {
          const verdict = verify({
            provider,
            method: 'POST',
            headers,
            now,
            url: 'https://hooks.example.com/in/abc',
            body,
            secrets: ['a-secret-of-this-source'],
            settings: known?.settings ?? {},
          });
          expectRefusedInOrder(verdict, about);
        }
      }
      for (const url of urls) {
        const secrets = ['a-secret-of-this-source'];
        const verdict = verify({
          provider,
          method: 'POST',
          headers: known?.headers ?? [],
          now,
          url,
          body: Buffer.from('{}'),
          secrets,
          settings: {},
        });
        expectRefusedInOrder(verdict, url.slice(0, 80));
      }
    },
  );

  it.each(PROVIDER_NAMES)(
    '%s: finds ids and names in any body without failing, and only ones that can be stored',
    (provider) => {
      const identify = findProvider(provider)!.identify;
      for (const [about, body] of bodies) {
        const request = toRequest({
          provider,
          method: 'POST',
          headers: [],
          now,
          url: 'https://hooks.example.com/in/abc',
          body,
          secrets: [],
          settings: {},
        });
        const settings = new Settings(findProvider(provider)!.settings, {
          deliveryIdPointer: '/id',
          eventNamePointer: '/event',
        });
        expect(() => identify({ request, secrets: [], settings, now }), about).not.toThrow();
      }
    },
  );

  it('verifies a body of any bytes when it is signed, and gives it a storable id or none', () => {
    for (const [about, body] of bodies) {
      const timestamp = String(now.getTime() / 1000);
      const signature = createHmac('sha256', 'k'.repeat(20))
        .update(`msg\u007f1.${timestamp}.`)
        .update(body)
        .digest('base64');
      const verdict = verify({
        provider: 'standardwebhooks',
        method: 'POST',
        now,
        url: 'https://hooks.example.com/in/abc',
        body,
        headers: [
          ['webhook-id', 'msg\u007f1'],
          ['webhook-timestamp', timestamp],
          ['webhook-signature', `v1,${signature}`],
        ],
        secrets: [`whsec_${Buffer.from('k'.repeat(20)).toString('base64')}`],
        settings: {},
      });
      expect(verdict, about).toMatchObject({
        kind: 'verified',
        deliveryId: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      });
    }
  });

  it('takes settings of any shape', () => {
    const one = toCase(signatureVectors.find(({ id }) => id === 'stripe-s01-sdk-payload-ok')!);
    for (const settings of [
      null,
      undefined,
      7,
      'x',
      [],
      { toleranceSeconds: 'soon' },
      { toleranceSeconds: -1 },
      { toleranceSeconds: Number.NaN },
    ]) {
      expect(verifyProviderRequest('stripe', toRequest(one), one.secrets, settings, one.now).kind).toBe('verified');
      const late = new Date(one.now.getTime() + 400_000);
      expect(verifyProviderRequest('stripe', toRequest(one), one.secrets, settings, late).kind).toBe('refused');
    }
    expect(verifyProviderRequest('__proto__', toRequest(one), one.secrets, {}, one.now)).toMatchObject({
      reason: 'unknown_provider',
    });
    expect(verifyProviderRequest('stripe', toRequest(one), one.secrets, {}, new Date(Number.NaN)).kind).toBe('refused');
  });
});
