import { createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { newSubscriptionSecret } from '../../src/core/secret.js';
import { asymmetricSignature, signingKeys, standardSignature } from '../../src/core/signature.js';
import { newSigningKeyPair, privateKeyOf, publicJwk, publicKeyText } from '../../src/core/signing-key.js';

const V1 = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1614265330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const V2 = {
  secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
  id: 'msg_27UH4WbU6Z5A5EzD8u03UvzRbpk',
  timestamp: 1649367553,
  body: '{"email":"test@example.com","username":"test_user"}',
  signature: 'v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=',
};
const V3 = {
  privateKey: 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
  publicKey: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
  x: '1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4',
  signature: 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
};

const headersOf = (id: string, timestamp: number, signature: string) => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': signature,
});

describe('the published v1 vectors', () => {
  it.each([
    ['V1', V1],
    ['V2', V2],
  ])('%s: our signature and that of the standardwebhooks library are the vector’s', (_, vector) => {
    const { secret, id, timestamp, body, signature } = vector;
    expect(standardSignature(id, timestamp, body, [signingKeys(secret)])).toBe(signature);
    expect(new Webhook(secret).sign(id, new Date(timestamp * 1000), body)).toBe(signature);
  });

  it('a secret without the prefix is another key for us, as the guides’ secrets are text', () => {
    const bare = V1.secret.slice('whsec_'.length);
    const signature = standardSignature(V1.id, V1.timestamp, V1.body, [signingKeys(bare)]);
    expect(signature).not.toBe(V1.signature);
    expect(new Webhook(bare, { format: 'raw' }).sign(V1.id, new Date(V1.timestamp * 1000), V1.body)).toBe(signature);
  });
});

describe('the v1a vector V3', () => {
  const key = privateKeyOf(V3.privateKey);
  const bytes = Buffer.from(V3.x, 'base64url');

  it('is what our ed25519 signature gives', () => {
    expect(asymmetricSignature(V1.id, V1.timestamp, V1.body, key)).toBe(V3.signature);
  });

  it('verifies with the key as we publish it', () => {
    expect(publicKeyText(bytes)).toBe(V3.publicKey);
    const jwk = publicJwk(bytes, 'one');
    expect(jwk).toEqual({ kty: 'OKP', crv: 'Ed25519', x: V3.x, kid: 'one', use: 'sig', alg: 'EdDSA' });
    const signed = Buffer.from(`${V1.id}.${V1.timestamp}.${V1.body}`);
    const signature = Buffer.from(V3.signature.slice('v1a,'.length), 'base64');
    expect(verify(null, signed, createPublicKey({ key: jwk, format: 'jwk' }), signature)).toBe(true);
    expect(
      verify(null, Buffer.concat([signed, Buffer.from(' ')]), createPublicKey({ key: jwk, format: 'jwk' }), signature),
    ).toBe(false);
  });
});

describe('a key pair of ours', () => {
  it('has the forms of the specification, its halves belong together, and no two are the same', () => {
    const pair = newSigningKeyPair();
    expect(pair.privateText).toMatch(/^whsk_[A-Za-z0-9+/]{86}==$/);
    expect(publicKeyText(pair.publicBytes)).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    const signature = asymmetricSignature('msg_1', 1, '{}', privateKeyOf(pair.privateText));
    const key = createPublicKey({ key: publicJwk(pair.publicBytes, 'k'), format: 'jwk' });
    expect(verify(null, Buffer.from('msg_1.1.{}'), key, Buffer.from(signature.slice(4), 'base64'))).toBe(true);
    expect(newSigningKeyPair().privateText).not.toBe(pair.privateText);
  });

  it.each([
    ['', 'not an ed25519'],
    [V3.publicKey, 'not an ed25519'],
    [V3.privateKey.slice(0, 60), 'not an ed25519'],
    [
      `whsk_${Buffer.concat([Buffer.from(V3.privateKey.slice(5), 'base64').subarray(0, 32), Buffer.alloc(32, 1)]).toString('base64')}`,
      'do not match',
    ],
  ])('is not made from %j', (text, words) => {
    expect(() => privateKeyOf(text)).toThrow(words);
  });
});

describe('what we sign', () => {
  const secret = newSubscriptionSecret();
  const body = JSON.stringify({ text: 'olá 🌍', n: 1.5 });
  const now = Math.floor(Date.now() / 1000);
  const signature = standardSignature('msg_x', now, body, [signingKeys(secret)]);

  it('verifies with the library: alone, as bytes, and beside signatures of other keys, versions and kinds', () => {
    const v1a = asymmetricSignature('msg_x', now, body, privateKeyOf(V3.privateKey));
    const rotated = standardSignature('msg_x', now, body, [signingKeys(newSubscriptionSecret()), signingKeys(secret)]);
    expect(rotated.split(' ')).toHaveLength(2);
    for (const list of [signature, rotated, `${signature} ${v1a}`, `${v1a} ${rotated}`, `v2,abc ${signature}`]) {
      const verified = new Webhook(secret).verify(Buffer.from(body), headersOf('msg_x', now, list));
      expect(verified, list).toEqual(JSON.parse(body));
    }
  });

  it.each([
    ['another body', `${body} `, headersOf('msg_x', now, signature)],
    ['another id', body, headersOf('msg_y', now, signature)],
    ['another time', body, headersOf('msg_x', now + 1, signature)],
    [
      'a v1a signature alone',
      body,
      headersOf('msg_x', now, asymmetricSignature('msg_x', now, body, privateKeyOf(V3.privateKey))),
    ],
    ['the signature under another version', body, headersOf('msg_x', now, signature.replace('v1,', 'v1a,'))],
    ['part of the signature', body, headersOf('msg_x', now, signature.slice(0, 8))],
  ])('does not verify with %s', (_, otherBody, headers) => {
    expect(() => new Webhook(secret).verify(otherBody, headers)).toThrow('No matching signature');
  });

  it.each([-301, 301])('does not verify %i seconds off', (offset) => {
    const then = now + offset + (offset > 0 ? 60 : 0);
    const stale = standardSignature('msg_x', then, body, [signingKeys(secret)]);
    expect(() => new Webhook(secret).verify(body, headersOf('msg_x', then, stale))).toThrow(/timestamp too (old|new)/);
  });
});
