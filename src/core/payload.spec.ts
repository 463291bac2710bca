import { describe, expect, it } from 'vitest';
import { forwardedBody, forwardedData, forwardMetadata } from './forwarded-body.js';
import { hopsOf, hopsOfMetadata } from './hops.js';
import { isInNetworks } from './network-list.js';
import { bytesOf, fieldsOf, isTooDeep, payloadOf } from './payload.js';

describe('a body', () => {
  it.each<[string, Buffer, string]>([
    ['JSON', Buffer.from('{"a": "ç"}'), 'json'],
    ['a JSON text alone', Buffer.from('"x"'), 'json'],
    ['other text', Buffer.from('a=1'), 'text'],
    ['nothing', Buffer.alloc(0), 'text'],
    ['JSON after a byte order mark', Buffer.from('\ufeff{}'), 'base64'],
    ['a NUL byte', Buffer.from('{"a":"\u0000"}'), 'base64'],
    ['bytes that are no UTF-8', Buffer.from([0xc3, 0x28]), 'base64'],
    ['half a surrogate', Buffer.from([0xed, 0xa0, 0x80]), 'base64'],
  ])('of %s is given back byte for byte, also when it is forwarded', (_what, bytes, kind) => {
    const payload = payloadOf(bytes);
    expect(payload.kind).toBe(kind);
    expect(bytesOf(payload)).toEqual(bytes);
    const data = forwardedData(payload);
    expect(() => JSON.parse(data)).not.toThrow();
    const metadata = JSON.stringify(forwardMetadata(payload.kind, 'text/x', { 'x-a': 'b' }));
    expect(forwardedBody({ data, metadata })).toEqual({
      body: bytes,
      headers: { 'x-a': 'b', 'content-type': 'text/x' },
    });
  });

  it('is too deep above 64 levels, brackets in texts not counted', () => {
    const nested = (n: number) => Buffer.from(`${'[{"a":'.repeat(n / 2)}1${'}]'.repeat(n / 2)}`);
    expect([isTooDeep(nested(64)), isTooDeep(nested(66))]).toEqual([false, true]);
    expect(isTooDeep(Buffer.from(JSON.stringify({ a: '[{"\\['.repeat(100) })))).toBe(false);
    expect(isTooDeep(Buffer.from('[]'.repeat(100)))).toBe(false);
    expect(isTooDeep(Buffer.from('"unfinished \\'))).toBe(false);
  });

  it('of a form has its fields', () => {
    expect(
      fieldsOf({ kind: 'text', text: 'a=1&b=%C3%A7' }, 'application/x-www-form-urlencoded; charset=utf-8'),
    ).toEqual({ a: '1', b: 'ç' });
    expect(fieldsOf({ kind: 'text', text: 'a=1' }, 'text/plain')).toBeNull();
  });
});

it('hops are what the header or the body says, the higher of them', () => {
  expect(hopsOf(undefined, null)).toBe(0);
  expect(hopsOf('3', { metadata: { 'x-posthaste-hops': 5 } })).toBe(5);
  expect(hopsOf(['2', '7'], { 'x-posthaste-hops': 'x' })).toBe(7);
  expect(hopsOf('-1', [])).toBe(0);
  expect(hopsOf('99999999999', undefined)).toBe(0);
  expect(hopsOfMetadata('{"x-posthaste-hops":2}')).toBe(2);
  expect(hopsOfMetadata('{"a":"x-posthaste-hops"}')).toBeNull();
  expect(hopsOfMetadata(null)).toBeNull();
});

it.each([
  ['203.0.113.7', true],
  ['::ffff:203.0.113.7', true],
  ['198.51.100.1', false],
  ['2001:db8::1', true],
  ['2001:db9::1', false],
  ['no address', false],
])('%s among the networks: %s', (address, expected) => {
  expect(isInNetworks(address, ['203.0.113.0/24', '192.0.2.1', '2001:db8::/32'])).toBe(expected);
  expect(isInNetworks(address, [])).toBe(true);
});
