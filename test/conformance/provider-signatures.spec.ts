import { describe, expect, it } from 'vitest';
import { PROVIDER_NAMES } from '../../src/core/provider-signatures/providers.js';
import type { Verified } from '../../src/core/provider-signatures/verdict.js';
import { mutationsOf, seededRandom } from './vectors/mutations.js';
import { signatureVectors, toCase } from './vectors/to-request.js';
import { accepts, expectDiscreet, verify } from './vectors/verify-case.js';

const valid = signatureVectors.filter((vector) => vector.valid);

describe('provider signature vectors', () => {
  it('has vectors for each provider of the sheet', () => {
    const withoutVectors = PROVIDER_NAMES.filter((name) => !signatureVectors.some(({ provider }) => provider === name));
    expect(withoutVectors).toEqual(['static-header', 'none']);
    expect(signatureVectors).toHaveLength(81);
  });

  it.each(signatureVectors.map((vector) => [vector.id, vector] as const))('%s', (_id, vector) => {
    const one = toCase(vector);
    const verdict = verify(one);
    expect(accepts(verdict), JSON.stringify(verdict)).toBe(vector.valid);
    expectDiscreet(verdict, one.secrets);
    const { expect: answer } = vector;
    if (!answer) return;
    expect(verdict).toMatchObject({ status: answer.status });
    if (verdict.kind !== 'handshake') return;
    if (answer.body) expect(verdict.body).toBe(answer.body);
    if (answer.bodyContains) expect(verdict.body).toContain(answer.bodyContains);
    if (answer.contentType) expect(verdict.contentType).toBe(answer.contentType);
  });

  it.each(valid.map((vector) => [vector.id, vector] as const))(
    '%s: no change of what is signed verifies',
    (_id, vector) => {
      const one = toCase(vector);
      const mutations = mutationsOf(one, seededRandom(20_261_123), 150);
      expect(mutations.length).toBeGreaterThan(100);
      for (const { what, detail, mutated } of mutations) {
        const verdict = verify(mutated);
        expect(accepts(verdict), `${what}: ${detail}`).toBe(false);
        expect(verdict, `${what}: ${detail}`).not.toMatchObject({ reason: 'unverifiable' });
        expectDiscreet(verdict, [...one.secrets, ...mutated.secrets]);
      }
    },
  );

  // A handshake and Google's token have no secret of the source behind them.
  const withSecret = valid.filter((vector) => toCase(vector).secrets.length > 0 && vector.method === 'POST');

  it.each(withSecret.map((vector) => [vector.id, vector] as const))(
    '%s: either of two active secrets verifies',
    (_id, vector) => {
      const one = toCase(vector);
      const [secret = ''] = one.secrets;
      const other = 'c2VjcmV0IG9mIG5vYm9keSBhdCBhbGw=';
      const oldFirst = verify({ ...one, secrets: [secret, other] });
      const newFirst = verify({ ...one, secrets: [other, secret] });
      expect([accepts(oldFirst), accepts(newFirst)]).toEqual([true, true]);
      if (oldFirst.kind === 'verified') expect(oldFirst.secretIndex).toBe(0);
      if (newFirst.kind === 'verified') expect(newFirst.secretIndex).toBe(1);
      expect(accepts(verify({ ...one, secrets: [other, `${other}2`] }))).toBe(false);
    },
  );

  it.each(withSecret.map((vector) => [vector.id, vector] as const))(
    '%s: nothing verifies without a secret',
    (_id, vector) => {
      const one = toCase(vector);
      expect(verify({ ...one, secrets: [] })).toMatchObject({ kind: 'refused', reason: 'no_secret' });
      expect(verify({ ...one, secrets: [''] })).toMatchObject({ kind: 'refused', reason: 'no_secret' });
    },
  );
});

describe('tolerance', () => {
  // [vector, time it was signed at in ms, tolerance in seconds, smallest step past it in ms]
  const timed: [string, number, number, number][] = [
    ['twenty-s01-person-created-ok', 1_769_169_600_123, 300, 1],
    ['hubspot-s03-v3-ok', 1_759_999_999_000, 300, 1],
    ['mercadopago-s02-id-kept-uppercase-ok', 1_742_505_638_683, 300, 1],
    ['chatwoot-s01-contact-created-ok', 1_774_708_578_000, 300, 1000],
    ['calendly-s01-invitee-created-ok', 1_770_732_001_000, 180, 1000],
    ['stripe-s01-sdk-payload-ok', 1_760_000_000_000, 300, 1000],
    ['slack-s01-docs-ok', 1_531_420_618_000, 300, 1000],
    ['standardwebhooks-s01-spec-ok', 1_614_265_330_000, 300, 1000],
    ['svix-s01-svix-headers-ok', 1_614_265_330_000, 300, 1000],
    ['generic-hmac-s04-ts-ok', 1_759_999_990_000, 300, 1000],
  ];

  it.each(timed)('%s: passes up to the tolerance on both sides and not further', (id, signedAtMs, seconds, stepMs) => {
    const one = toCase(signatureVectors.find((vector) => vector.id === id)!);
    const at = (offsetMs: number) => verify({ ...one, now: new Date(signedAtMs + offsetMs) });
    expect(at(seconds * 1000).kind).toBe('verified');
    expect(at(-seconds * 1000).kind).toBe('verified');
    expect(at(seconds * 1000 + stepMs - 1).kind).toBe('verified');
    expect(at(seconds * 1000 + stepMs)).toMatchObject({ reason: 'timestamp_too_old' });
    expect(at(-seconds * 1000 - stepMs)).toMatchObject({ reason: 'timestamp_in_future' });
  });

  it.each(timed)('%s: toleranceSeconds moves both sides', (id, signedAtMs) => {
    const one = toCase(signatureVectors.find((vector) => vector.id === id)!);
    const settings = { ...one.settings, toleranceSeconds: 20 };
    const at = (offsetMs: number) => verify({ ...one, settings, now: new Date(signedAtMs + offsetMs) });
    expect([at(20_000).kind, at(-20_000).kind]).toEqual(['verified', 'verified']);
    expect([at(21_000).kind, at(-21_000).kind]).toEqual(['refused', 'refused']);
  });

  it.each([
    ['evolution-s01-jwt-ok', 1_765_000_600_000],
    ['google-pubsub-s01-ok', 1_770_003_600_000],
  ])('%s: passes until the token expires', (id, expiresAtMs) => {
    const one = toCase(signatureVectors.find((vector) => vector.id === id)!);
    expect(verify({ ...one, now: new Date(expiresAtMs - 1) }).kind).toBe('verified');
    expect(verify({ ...one, now: new Date(expiresAtMs) })).toMatchObject({ reason: 'token_expired' });
  });
});

describe('delivery ids and event names', () => {
  // Written from the provider sheet's column "Dedupe id" and its bodies.
  const expected: Record<string, { deliveryId?: string; eventName?: string }> = {
    'twenty-s01-person-created-ok': {
      deliveryId:
        '7c1f2d3e-4b5a-4c6d-8e7f-9a0b1c2d3e4f:person.created:0b9f6f1a-1111-4a2b-9c3d-222233334444:2026-01-23T11:59:59.900Z:2026-01-23T12:00:00.000Z',
      eventName: 'person.created',
    },
    'chatwoot-s01-contact-created-ok': {
      deliveryId: 'b9817461-5fc7-4967-b312-edcc0131075a',
      eventName: 'contact_created',
    },
    'calcom-s01-booking-created-ok': {
      deliveryId: 'BOOKING_CREATED:bFJeNb2uX8ANpT3JL5EfXw:2026-01-20T14:00:00.123Z',
      eventName: 'BOOKING_CREATED',
    },
    'calendly-s01-invitee-created-ok': {
      deliveryId:
        'invitee.created:https://api.calendly.com/scheduled_events/EVT1/invitees/INV1:2026-02-10T14:00:00.000000Z',
      eventName: 'invitee.created',
    },
    'stripe-s01-sdk-payload-ok': { deliveryId: 'evt_test_webhook' },
    'github-s02-octokit-foobar-ok': { deliveryId: '72d3162e-cc78-11e3-81ab-4c9367dc0958', eventName: 'ping' },
    'shopify-s01-order-ok': { deliveryId: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043', eventName: 'orders/create' },
    'hubspot-s01-v1-sdk-ok': { deliveryId: '62515:12345:1:1564113600000', eventName: 'contact.creation' },
    'slack-s01-docs-ok': {
      deliveryId: '398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
      eventName: 'slash_command',
    },
    'twilio-s01-form-sdk-ok': { deliveryId: 'f7f1a2b0-1111-4d0e-9d3a-0a1b2c3d4e5f' },
    'standardwebhooks-s01-spec-ok': { deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek' },
    'svix-s01-svix-headers-ok': { deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek' },
    'meta-s01-message-ok': { deliveryId: 'wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQ', eventName: 'messages' },
    'typeform-s01-ok': { deliveryId: 'LtWXD3crgy', eventName: 'form_response' },
    'mercadopago-s01-ms-lowercased-id-ok': {
      deliveryId: '2066ca19-c6f1-498a-be75-1923005edd06',
      eventName: 'order.processed',
    },
    'evolution-s01-jwt-ok': {
      deliveryId: 'messages.upsert:clinica:3EB0C767D097B7C7C6F1:DELIVERY_ACK',
      eventName: 'messages.upsert',
    },
    'google-pubsub-s01-ok': { deliveryId: '2070443601311540', eventName: 'gmail.notification' },
    'asaas-s01-ok': { deliveryId: 'evt_05b708f961d739ea7eba7e4db318f621&368604920', eventName: 'PAYMENT_RECEIVED' },
    'generic-hmac-s01-prefix-ok': { eventName: 'cliente.criado' },
  };

  it.each(Object.entries(expected))('%s', (id, identity) => {
    const verdict = verify(toCase(signatureVectors.find((vector) => vector.id === id)!));
    const { secretIndex: _, ...rest } = verdict as Verified;
    expect(rest).toEqual({ kind: 'verified', authenticated: true, ...identity });
  });
});

describe('what the owner is told', () => {
  it.each([
    ['github-s03-tampered-body', 'signature does not match: is the secret the one of this endpoint?'],
    ['stripe-s03-stale-301s', 'timestamp 301 s old (tolerance 300 s)'],
    ['twenty-s05-no-timestamp-header', 'no header x-twenty-webhook-timestamp'],
    [
      'calcom-s03-no-secret-literal',
      'the webhook has no secret at Cal.com ("no-secret-provided"): set the same secret there',
    ],
    ['shopify-s03-hex-instead-of-base64', 'header x-shopify-hmac-sha256 is not 44 characters of base64'],
    ['stripe-s04-only-v0', 'header stripe-signature has no v1= signature'],
    ['evolution-s02-jwt-expired', 'the token expired 3000 s ago'],
    ['google-pubsub-s04-foreign-key', "the token's signature is not Google's"],
    ['asaas-s02-wrong', 'header asaas-access-token does not hold the secret of this source'],
    ['meta-s05-challenge-bad-token', 'hub.verify_token is not the verifyToken of this source'],
  ])('%s: %s', (id, message) => {
    expect(verify(toCase(signatureVectors.find((vector) => vector.id === id)!))).toMatchObject({
      kind: 'refused',
      message,
    });
  });
});
