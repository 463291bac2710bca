import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aCase, vectorCase, verify } from './vectors/verify-case.js';

const secret = 'a-secret-of-this-source';
const body = '{"triggerEvent":"BOOKING_CREATED","event":"invitee.created"}';
const sign = (text: string, hash = 'sha256') => createHmac(hash, secret).update(text).digest('hex');
const legacy = { acceptLegacySignatures: true };

describe('forms that older guides print, under acceptLegacySignatures', () => {
  // [provider, header, value]: the MedFlow guide's for the first three providers, the Calendly guide's for the last.
  const forms: [string, string, string][] = [
    ['calcom', 'X-Cal-Signature-256', `sha256=${sign(body)}`],
    ['calcom', 'X-Cal-Signature-256', `sha1=${sign(body, 'sha1')}`],
    ['chatwoot', 'X-Chatwoot-Signature', `sha256=${sign(body)}`],
    ['chatwoot', 'X-Chatwoot-Signature', `sha1=${sign(body, 'sha1')}`],
    ['chatwoot', 'X-Chatwoot-Signature', sign(body)],
    ['calendly', 'Calendly-Webhook-Signature', sign(body)],
  ];

  it.each(forms)('%s takes %s: %s with the setting and not without it', (provider, header, value) => {
    const headers: [string, string][] = [[header, value]];
    expect(verify(aCase(provider, { headers, body, settings: legacy })).kind).toBe('verified');
    expect(verify(aCase(provider, { headers, body })).kind).toBe('refused');
  });

  it.each(forms)('%s still checks the body and the secret of %s: %s', (provider, header, value) => {
    const headers: [string, string][] = [[header, value]];
    const settings = legacy;
    expect(verify(aCase(provider, { headers, body: `${body} `, settings }))).toMatchObject({
      reason: 'signature_mismatch',
    });
    expect(verify(aCase(provider, { headers, body, settings, secrets: ['another secret'] })).kind).toBe('refused');
    expect(verify(aCase(provider, { headers: [...headers, ...headers], body, settings }))).toMatchObject({
      reason: 'header_repeated',
    });
    expect(verify(aCase(provider, { body, settings }))).toMatchObject({ reason: 'header_missing' });
    expect(verify(aCase(provider, { headers, body, settings, secrets: [] }))).toMatchObject({ reason: 'no_secret' });
  });

  it.each([
    'twenty-s01-person-created-ok',
    'chatwoot-s01-contact-created-ok',
    'calcom-s01-booking-created-ok',
    'calendly-s01-invitee-created-ok',
  ])('%s: what the provider really sends is taken as well', (id) => {
    expect(verify({ ...vectorCase(id), settings: legacy }).kind).toBe('verified');
  });

  it.each([
    'twenty-s02-tampered-body',
    'twenty-s03-stale',
    'twenty-s04-dot-separator',
    'twenty-s05-no-timestamp-header',
    'chatwoot-s02-tampered-body',
    'chatwoot-s03-stale',
    'chatwoot-s04-body-only-hmac',
    'calcom-s02-tampered-body',
    'calcom-s03-no-secret-literal',
    'calcom-s04-wrong-secret',
    'calendly-s02-tampered-body',
    'calendly-s03-stale',
  ])('%s stays refused', (id) => {
    expect(verify({ ...vectorCase(id), settings: legacy }).kind).toBe('refused');
  });

  it('takes the bare form of the Calendly guide', () => {
    expect(verify({ ...vectorCase('calendly-s04-guide-style-raw-hex'), settings: legacy }).kind).toBe('verified');
  });

  it('takes Twenty with a prefix and with a time in seconds, and still refuses an old one', () => {
    const attempt = (timestamp: string, signature: string, settings: Record<string, unknown>) =>
      verify(
        aCase('twenty', {
          body,
          settings,
          headers: [
            ['X-Twenty-Webhook-Timestamp', timestamp],
            ['X-Twenty-Webhook-Signature', signature],
          ],
        }),
      );
    for (const timestamp of ['1760000000', '1760000000000']) {
      const text = `${timestamp}:${body}`;
      expect(attempt(timestamp, `sha256=${sign(text)}`, legacy).kind).toBe('verified');
      expect(attempt(timestamp, `sha1=${sign(text, 'sha1')}`, legacy).kind).toBe('verified');
      expect(attempt(timestamp, sign(text), legacy).kind).toBe('verified');
      expect(attempt(timestamp, `sha256=${sign(text)}`, {}).kind).toBe('refused');
    }
    expect(attempt('1759999699', sign(`1759999699:${body}`), legacy)).toMatchObject({
      message: 'timestamp 301 s old (tolerance 300 s)',
    });
    expect(attempt('1760000000', sign(`1760000000:${body}`), {})).toMatchObject({ reason: 'timestamp_too_old' });
  });

  it('never takes a hash that is not an HMAC, nor a signature that was left out', () => {
    for (const value of ['sha256=', 'md5=00', 'no-secret-provided', 'none', 'sha256=0', '0'.repeat(40), '']) {
      const verdict = verify(aCase('calcom', { body, settings: legacy, headers: [['X-Cal-Signature-256', value]] }));
      expect(verdict, value).toMatchObject({ kind: 'refused' });
    }
  });
});

describe('sources without a secret', () => {
  it.each(['chatwoot', 'calcom', 'evolution', 'mercadopago'])(
    '%s takes unsigned requests only where the owner allows it and has set no secret',
    (provider) => {
      expect(verify(aCase(provider, { secrets: [] }))).toMatchObject({ reason: 'no_secret' });
      expect(verify(aCase(provider, { secrets: [], settings: { allowUnsigned: true } }))).toMatchObject({
        kind: 'verified',
        authenticated: false,
      });
      expect(verify(aCase(provider, { settings: { allowUnsigned: true } })).kind).toBe('refused');
    },
  );

  it.each(['twenty', 'stripe', 'github', 'twilio', 'asaas', 'generic-hmac', 'static-header', 'standardwebhooks'])(
    '%s never does',
    (provider) => {
      expect(verify(aCase(provider, { secrets: [], settings: { allowUnsigned: true } }))).toMatchObject({
        reason: 'no_secret',
      });
    },
  );

  it('provider none takes everything and says that nothing was checked', () => {
    expect(verify(aCase('none', { secrets: [] }))).toEqual({
      kind: 'verified',
      authenticated: false,
      eventName: 'thing.happened',
    });
  });
});
