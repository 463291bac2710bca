import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findProvider, PROVIDER_NAMES, settingProblems } from '../../src/core/provider-signatures/providers.js';
import { redactBody, redactHeaders } from '../../src/core/provider-signatures/redact.js';
import { aCase, verify } from './vectors/verify-case.js';

const secret = 'a-secret-of-this-source';
const body = '{"id":"evt_1","event":"thing.happened","meta":{"a/b":{"n":7}}}';

describe('generic HMAC', () => {
  it.each(['sha256', 'sha1', 'sha512'])('takes %s in hex and base64, with a prefix', (algorithm) => {
    for (const encoding of ['hex', 'base64'] as const) {
      const signature = `sig:${createHmac(algorithm, secret).update(body).digest(encoding)}`;
      const settings = { header: 'X-Sig', algorithm, encoding, prefix: 'sig:' };
      const send = (value: string) => verify(aCase('generic-hmac', { body, settings, headers: [['x-SIG', value]] }));
      expect(send(signature).kind).toBe('verified');
      expect(send(signature.slice(4))).toMatchObject({ message: 'header x-sig does not start with "sig:"' });
      expect(send(`${signature}x`)).toMatchObject({ reason: 'signature_malformed' });
    }
  });

  it('takes upper-case hex', () => {
    const signature = createHmac('sha256', secret).update(body).digest('hex').toUpperCase();
    expect(verify(aCase('generic-hmac', { body, headers: [['X-Webhook-Signature', signature]] })).kind).toBe(
      'verified',
    );
  });

  it('does not expand a template inside the body or the time', () => {
    const text = '{"x":"{timestamp}{body}"}';
    const settings = { signedPayload: 'v:{timestamp}:{body}:{body}', timestampHeader: 'X-Time', timestampUnit: 'ms' };
    const signature = createHmac('sha256', secret).update(`v:1760000000000:${text}:${text}`).digest('hex');
    const headers: [string, string][] = [
      ['X-Time', '1760000000000'],
      ['X-Webhook-Signature', signature],
    ];
    expect(verify(aCase('generic-hmac', { body: text, settings, headers })).kind).toBe('verified');
    expect(verify(aCase('generic-hmac', { body: text, settings, headers: headers.slice(1) }))).toMatchObject({
      message: 'no header x-time',
    });
  });

  it.each([
    [{ signedPayload: 'fixed' }, 'The setting signedPayload must hold {body}: otherwise the body is not signed.'],
    [
      { signedPayload: '{timestamp}.{body}' },
      'The setting signedPayload holds {timestamp}: say in timestampHeader which header it comes from.',
    ],
    [
      { timestampHeader: 'X-Time' },
      'The setting timestampHeader is given: signedPayload must hold {timestamp}, otherwise the time is not signed.',
    ],
  ])('refuses settings that protect nothing: %j', (settings, message) => {
    expect(settingProblems(findProvider('generic-hmac')!, settings)).toMatchObject([{ detail: message }]);
    const signature = createHmac('sha256', secret).update('fixed').digest('hex');
    const headers: [string, string][] = [
      ['X-Webhook-Signature', signature],
      ['X-Time', '1760000000'],
    ];
    expect(verify(aCase('generic-hmac', { body, settings, headers }))).toMatchObject({
      reason: 'settings_unusable',
      message,
    });
  });
});

describe('static header', () => {
  it('compares the whole value, after a fixed text if there is one', () => {
    const send = (value: string, settings: Record<string, unknown> = {}) =>
      verify(aCase('static-header', { settings, headers: [[String(settings.header ?? 'X-Webhook-Token'), value]] }));
    expect(send(secret).kind).toBe('verified');
    expect(send(`${secret} `)).toMatchObject({
      message: 'header x-webhook-token does not hold the secret of this source',
    });
    expect(send(secret.slice(1)).kind).toBe('refused');
    const bearer = { header: 'Authorization', prefix: 'Bearer ' };
    expect(send(`Bearer ${secret}`, bearer).kind).toBe('verified');
    expect(send(secret, bearer).kind).toBe('refused');
  });

  it('takes a secret with letters outside ASCII as HTTP carries it', () => {
    const asNodeReadsIt = Buffer.from('segredó-do-cliente').toString('latin1');
    const headers: [string, string][] = [['X-Webhook-Token', asNodeReadsIt]];
    expect(verify(aCase('static-header', { secrets: ['segredó-do-cliente'], headers })).kind).toBe('verified');
  });
});

describe('ids and names of senders we know nothing about', () => {
  const find = (settings: object, headers: [string, string][] = []) =>
    verify(aCase('none', { secrets: [], body, headers, settings: { ...settings } }));

  it('come from headers or places in the body', () => {
    expect(find({})).toMatchObject({ eventName: 'thing.happened' });
    expect(find({})).not.toHaveProperty('deliveryId');
    expect(find({ deliveryIdPointer: '/id', eventNamePointer: '/meta/a~1b/n' })).toMatchObject({
      deliveryId: 'evt_1',
      eventName: '7',
    });
    const settings = { deliveryIdHeader: 'X-Id', deliveryIdPointer: '/id', eventNameHeader: 'X-Name' };
    expect(
      find(settings, [
        ['x-id', 'h1'],
        ['X-NAME', 'named'],
      ]),
    ).toMatchObject({ deliveryId: 'h1', eventName: 'named' });
    expect(find(settings)).toMatchObject({ deliveryId: 'evt_1' });
    expect(find(settings)).not.toHaveProperty('eventName');
    expect(
      find(settings, [
        ['x-id', 'h1'],
        ['x-id', 'h2'],
      ]),
    ).toMatchObject({ deliveryId: 'evt_1' });
    expect(find({ eventNamePointer: '/__proto__/constructor/name' })).not.toHaveProperty('eventName');
  });
});

describe('settings', () => {
  it.each(PROVIDER_NAMES)('%s: the defaults can be saved', (name) => {
    const provider = findProvider(name)!;
    const missing = provider.settings
      .filter((spec) => 'required' in spec && spec.required)
      .map((spec) => `/${spec.name}`);
    expect(settingProblems(provider, {}).map(({ pointer }) => pointer)).toEqual(missing);
  });

  it.each([
    [
      'twenty',
      { toleranceSeconds: 0 },
      '/toleranceSeconds',
      '"toleranceSeconds" is a whole number of seconds from 1 to 604800.',
    ],
    [
      'twenty',
      { acceptLegacySignatures: 'yes' },
      '/acceptLegacySignatures',
      '"acceptLegacySignatures" is true or false.',
    ],
    ['github', { 'a/b': 1 }, '/a~1b', 'There is no setting "a/b" here. This provider has none.'],
    ['twilio', { publicUrl: 'ftp://x' }, '/publicUrl', '"publicUrl" is a URL that starts with https:// or http://.'],
    ['generic-hmac', { algorithm: 'md5' }, '/algorithm', '"algorithm" is one of sha256, sha1, sha512.'],
    ['generic-hmac', { header: 'a b' }, '/header', '"header" is a header name such as X-Webhook-Signature.'],
    [
      'none',
      { deliveryIdPointer: 'id' },
      '/deliveryIdPointer',
      '"deliveryIdPointer" is a JSON pointer such as /data/id.',
    ],
    [
      'google-pubsub',
      { serviceAccountEmail: 'a@example.com', jwks: [] },
      '/jwks',
      '"jwks" is a JSON Web Key Set: {"keys": [...]}.',
    ],
    ['stripe', [], '', 'Settings are a JSON object.'],
  ])('%s %j', (name, settings, pointer, detail) => {
    expect(settingProblems(findProvider(name)!, settings)).toEqual([{ pointer, detail }]);
  });
});

describe('docs/guides/inbound-providers.md', () => {
  const guide = readFileSync(new URL('../../docs/guides/inbound-providers.md', import.meta.url), 'utf8');

  it.each(PROVIDER_NAMES)('explains %s and each of its settings', (name) => {
    const section = guide.split(/^## /m).find((part) => part.includes(`\n\`${name}\`.`));
    expect(section).toBeDefined();
    for (const spec of findProvider(name)!.settings) expect(section).toContain(`\`${spec.name}\``);
  });
});

describe('what is stored and shown', () => {
  it('hides headers that are credentials and keeps signatures', () => {
    const headers = {
      authorization: 'Bearer abc.def.ghi',
      'proxy-authorization': 'whatever',
      cookie: ['a=1', 'b=2'],
      api_access_token: 'abc',
      'asaas-access-token': 'abc',
      apikey: 'abc',
      'x-api-key': 'abc',
      'x-gitlab-token': 'abc',
      'x-webhook-secret': 'abc',
      'i-twilio-idempotency-token': 'id-1',
      'x-hub-signature-256': 'sha256=00',
      'webhook-id': 'msg_1',
      'x-evo-header': 'abc',
    };
    const shown = redactHeaders(headers, 'evolution', { header: 'X-Evo-Header' });
    expect(shown).toEqual({
      authorization: 'Bearer [redacted]',
      'proxy-authorization': '[redacted]',
      cookie: ['[redacted]', '[redacted]'],
      api_access_token: '[redacted]',
      'asaas-access-token': '[redacted]',
      apikey: '[redacted]',
      'x-api-key': '[redacted]',
      'x-gitlab-token': '[redacted]',
      'x-webhook-secret': '[redacted]',
      'i-twilio-idempotency-token': 'id-1',
      'x-hub-signature-256': 'sha256=00',
      'webhook-id': 'msg_1',
      'x-evo-header': '[redacted]',
    });
    expect(redactHeaders({ 'x-evo-header': 'abc' }, 'generic-hmac', { header: 'X-Evo-Header' })).toEqual({
      'x-evo-header': 'abc',
    });
    expect(redactHeaders({ 'x-webhook-token': 'abc' })).toEqual({ 'x-webhook-token': '[redacted]' });
  });

  it.each([
    ['evolution', { apikey: 'k', data: { apikey: null } }, { apikey: '[redacted]', data: { apikey: null } }],
    ['slack', { token: 't', event: { text: 'token' } }, { token: '[redacted]', event: { text: 'token' } }],
    ['typeform', { form_response: { hidden: { cpf: '1' } } }, { form_response: { hidden: '[redacted]' } }],
    ['chatwoot', [{ contact_inbox: { pubsub_token: 'p' } }], [{ contact_inbox: { pubsub_token: '[redacted]' } }]],
    ['stripe', { token: 't' }, { token: 't' }],
  ])('%s: hides what is secret in a body', (provider, given, shown) => {
    expect(redactBody(provider, given)).toEqual(shown);
  });

  it('cuts a body that is too deep to copy', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`);
    expect(JSON.stringify(redactBody('slack', deep))).toHaveLength('{"a":}'.length * 100 + '"[redacted]"'.length);
  });
});
