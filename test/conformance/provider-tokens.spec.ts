import { createHmac, createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { aCase, vectorCase, verify } from './vectors/verify-case.js';

const secret = 'a-secret-of-this-source';
const now = new Date(1_760_000_000_000);
const nowSeconds = now.getTime() / 1000;
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const bearer = (token: string): [string, string][] => [['Authorization', `Bearer ${token}`]];

function hs256(
  claims: unknown,
  header: unknown = { alg: 'HS256', typ: 'JWT' },
  key: string | KeyObject = secret,
): string {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

describe('Evolution API', () => {
  const claims = { app: 'evolution', action: 'webhook', iat: nowSeconds, exp: nowSeconds + 600 };
  const attempt = (token: string) => verify(aCase('evolution', { headers: bearer(token) }));

  it('takes a token of its own kind only', () => {
    expect(attempt(hs256(claims)).kind).toBe('verified');
    expect(attempt(hs256({ ...claims, app: 'other' }))).toMatchObject({
      message: 'the token\'s app is "other", not "evolution"',
    });
    expect(attempt(hs256({ ...claims, action: undefined }))).toMatchObject({
      message: 'the token\'s action is nothing, not "webhook"',
    });
    expect(attempt(hs256({ ...claims, exp: undefined }))).toMatchObject({ message: 'the token has no expiry (exp)' });
    expect(attempt(hs256({ ...claims, exp: '9999999999' }))).toMatchObject({ reason: 'token_claim' });
    expect(attempt(hs256({ ...claims, nbf: nowSeconds + 301 }))).toMatchObject({ reason: 'token_not_yet_valid' });
    expect(attempt(hs256([claims]))).toMatchObject({ reason: 'token_malformed' });
  });

  it('never lets the token choose how it is checked', () => {
    const unsigned = `${part({ alg: 'none' })}.${part(claims)}.`;
    expect(attempt(unsigned).kind).toBe('refused');
    for (const alg of ['none', 'NONE', 'hs256', 'HS512', 'RS256', undefined, ['HS256'], null]) {
      expect(attempt(hs256(claims, { alg })), String(alg)).toMatchObject({ reason: 'token_algorithm' });
    }
    expect(attempt(hs256(claims, { alg: 'HS256', crit: ['exp'] }))).toMatchObject({ reason: 'token_algorithm' });
  });

  it('takes only the canonical text of a token', () => {
    const token = hs256(claims);
    for (const other of [
      `${token}=`,
      `${token}.`,
      token.replaceAll('.', '..'),
      `${token} `.repeat(2),
      token.split('.').slice(0, 2).join('.'),
    ]) {
      expect(attempt(other), other.slice(-8)).toMatchObject({ reason: 'token_malformed' });
    }
    expect(verify(aCase('evolution', { headers: [['Authorization', `Basic ${token}`]] }))).toMatchObject({
      reason: 'token_malformed',
    });
  });
});

describe('Google Pub/Sub', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'key-1', alg: 'RS256', use: 'sig' };
  const email = 'push@example-project.iam.gserviceaccount.com';
  const url = 'https://hooks.example.com/in/abc/google-pubsub';
  const claims = {
    iss: 'https://accounts.google.com',
    aud: url,
    email,
    email_verified: true,
    iat: nowSeconds,
    exp: nowSeconds + 3600,
  };
  const settings = { serviceAccountEmail: email, jwks: { keys: [{ kid: 'key-0' }, jwk] } };

  function rs256(payload: unknown, header: unknown = { alg: 'RS256', kid: 'key-1' }): string {
    const text = `${part(header)}.${part(payload)}`;
    return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}`;
  }
  const attempt = (token: string, change: object = {}, requestUrl = url) =>
    verify(
      aCase('google-pubsub', {
        secrets: [],
        url: requestUrl,
        headers: bearer(token),
        settings: { ...settings, ...change },
      }),
    );

  it('takes the URL of the source, with or without its query, as the audience unless another one is set', () => {
    expect(attempt(rs256(claims)).kind).toBe('verified');
    expect(attempt(rs256({ ...claims, iss: 'accounts.google.com' })).kind).toBe('verified');
    expect(attempt(rs256(claims), {}, `${url}?source=gmail`).kind).toBe('verified');
    expect(attempt(rs256({ ...claims, aud: `${url}?source=gmail` }), {}, `${url}?source=gmail`).kind).toBe('verified');
    expect(attempt(rs256({ ...claims, aud: 'mine' }), { audience: 'mine' }).kind).toBe('verified');
    expect(attempt(rs256(claims), { audience: 'mine' })).toMatchObject({ reason: 'token_claim' });
  });

  it('refuses tokens of other services, other accounts and other issuers', () => {
    const wrong: [object, string][] = [
      [{ email: 'mallory@example.com' }, `the token is of "mallory@example.com", not of "${email}"`],
      [{ email_verified: 'true' }, "the token's e-mail address is not verified"],
      [{ iss: 'https://accounts.example.com' }, 'the token\'s issuer is "https://accounts.example.com", not Google'],
      [{ aud: [url] }, 'the token is for the audience "an object", not for the URL of this source'],
    ];
    for (const [change, message] of wrong) expect(attempt(rs256({ ...claims, ...change }))).toMatchObject({ message });
    expect(attempt(rs256(claims), { serviceAccountEmail: undefined })).toMatchObject({ reason: 'settings_unusable' });
  });

  it('says which key it lacks, so that the keys can be fetched again', () => {
    expect(attempt(rs256(claims, { alg: 'RS256', kid: 'key-2' }))).toMatchObject({ reason: 'token_key_unknown' });
    expect(attempt(rs256(claims, { alg: 'RS256' }))).toMatchObject({ reason: 'token_key_unknown' });
    expect(attempt(rs256(claims, { alg: 'RS256', kid: 'key-0' }))).toMatchObject({ reason: 'token_key_unknown' });
    expect(attempt(rs256(claims), { jwks: undefined })).toMatchObject({ reason: 'keys_unavailable', status: 503 });
    expect(attempt(rs256(claims), { jwks: { keys: [{ ...jwk, n: 'AQAB' }] } })).toMatchObject({
      reason: 'token_key_unknown',
    });
    expect(attempt(rs256(claims), { jwks: { keys: [{ ...jwk, use: 'enc' }] } })).toMatchObject({
      reason: 'token_key_unknown',
    });
  });

  it('does not take the public key as an HMAC secret', () => {
    for (const key of [publicKey.export({ type: 'spki', format: 'pem' }).toString(), jwk.n!]) {
      expect(attempt(hs256(claims, { alg: 'HS256', kid: 'key-1' }, key))).toMatchObject({ reason: 'token_algorithm' });
      expect(attempt(hs256(claims, { alg: 'RS256', kid: 'key-1' }, key))).toMatchObject({
        reason: 'signature_mismatch',
      });
    }
  });
});

describe('Standard Webhooks', () => {
  const whsec = `whsec_${Buffer.from('a key of 24 bytes, no more').toString('base64')}`;
  const body = '{"type":"contact.created","data":{"n":"é"}}';
  const attempt = (signature: string, change: object = {}) =>
    verify(
      aCase('standardwebhooks', {
        body,
        secrets: [whsec],
        ...change,
        headers: [
          ['webhook-id', 'msg_1'],
          ['webhook-timestamp', String(nowSeconds)],
          ['webhook-signature', signature],
        ],
      }),
    );

  it('takes what the reference library signs', () => {
    const signature = new Webhook(whsec).sign('msg_1', now, body);
    expect(attempt(signature)).toMatchObject({ kind: 'verified', deliveryId: 'msg_1', eventName: 'contact.created' });
    expect(attempt(signature, { secrets: [whsec.slice('whsec_'.length)] }).kind).toBe('verified');
    expect(attempt(new Webhook(whsec).sign('msg_1', now, ''), { body: '' }).kind).toBe('verified');
    expect(attempt(`v1,AAAA ${signature}`).kind).toBe('verified');
    expect(attempt(`${signature}=`).kind).toBe('refused');
    expect(attempt(signature.replace('v1,', 'v2,'))).toMatchObject({ reason: 'signature_malformed' });
    expect(attempt(`${signature}, ${signature}`)).toMatchObject({ reason: 'header_repeated' });
  });

  it("takes a secret of one's own as text, as Posthaste signs with it", () => {
    const own = 'my-own-secret-of-20+';
    const signature = `v1,${createHmac('sha256', own).update(`msg_1.${nowSeconds}.${body}`).digest('base64')}`;
    expect(attempt(signature, { secrets: [own] }).kind).toBe('verified');
  });

  it('says when a secret cannot be one', () => {
    const signature = new Webhook(whsec).sign('msg_1', now, body);
    expect(attempt(signature, { secrets: ['whsec_'] })).toMatchObject({ reason: 'secret_unusable' });
    expect(attempt(signature, { secrets: ['whsec_not base64'] })).toMatchObject({ reason: 'secret_unusable' });
    expect(attempt(signature, { secrets: ['whpk_AAAA'] })).toMatchObject({ reason: 'secret_unusable' });
    expect(attempt(signature, { secrets: ['whsec_not base64', whsec] })).toMatchObject({
      kind: 'verified',
      secretIndex: 1,
    });
  });

  it('takes v1a with a public key, and a public key for nothing else', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
    const whpk = `whpk_${raw.toString('base64')}`;
    const text = `msg_1.${nowSeconds}.${body}`;
    const good = sign(null, Buffer.from(text), privateKey).toString('base64');
    expect(attempt(`v1a,${good}`, { secrets: [whpk] }).kind).toBe('verified');
    expect(attempt(`v1,${good}`, { secrets: [whpk] }).kind).toBe('refused');
    expect(attempt(`v1a,${good}`, { secrets: [whpk], body: `${body} ` }).kind).toBe('refused');
    expect(attempt(`v1a,${good}`, { secrets: [whsec] }).kind).toBe('refused');
    for (const key of [raw, Buffer.from(whpk), Buffer.alloc(32)]) {
      const forged = createHmac('sha256', key).update(text).digest('base64');
      expect(attempt(`v1,${forged}`, { secrets: [whpk] }).kind).toBe('refused');
    }
  });
});

describe('Stripe and Calendly', () => {
  it('do not take another version of the signature, a second time, or a time of letters', () => {
    const one = vectorCase('stripe-s01-sdk-payload-ok');
    const [[name, value] = ['', '']] = one.headers.filter(([header]) => header === 'Stripe-Signature');
    const attempt = (header: string) => verify({ ...one, headers: [[name, header]] });
    expect(attempt(value.split(',').reverse().join(' , ')).kind).toBe('verified');
    expect(attempt(`${value},v0=00,v2=11`).kind).toBe('verified');
    expect(attempt(`${value},t=1760000010`)).toMatchObject({ reason: 'signature_malformed' });
    expect(attempt(value.replace('t=', 't=x'))).toMatchObject({ reason: 'timestamp_malformed' });
    expect(attempt(value.toUpperCase()).kind).toBe('refused');
    expect(attempt('')).toMatchObject({ message: 'header stripe-signature has no t=' });
  });
});
