import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { PROVIDER_NAMES, PROVIDERS } from '../../src/core/provider-signatures/providers.js';
import { aCase, verify } from './vectors/verify-case.js';

const secret = 'a-secret-of-this-source';

describe("Meta's check of the URL", () => {
  const check = (query: string, settings: object = { verifyToken: 'meatyhamhock' }) =>
    verify(
      aCase('meta', {
        method: 'GET',
        url: `https://hooks.example.com/in/abc?${query}`,
        body: '',
        settings: { ...settings },
      }),
    );

  it('is answered with the challenge alone', () => {
    expect(check('hub.mode=subscribe&hub.verify_token=meatyhamhock&hub.challenge=1158201444')).toEqual({
      kind: 'handshake',
      status: 200,
      contentType: 'text/plain',
      body: '1158201444',
    });
  });

  it.each([
    ['', "a GET request without hub.mode=subscribe is not Meta's check of the URL"],
    [
      'hub.mode=unsubscribe&hub.verify_token=meatyhamhock&hub.challenge=1',
      "a GET request without hub.mode=subscribe is not Meta's check of the URL",
    ],
    ['hub.mode=subscribe&hub.challenge=1', 'hub.verify_token is not the verifyToken of this source'],
    ['hub.mode=subscribe&hub.verify_token=&hub.challenge=1', 'hub.verify_token is not the verifyToken of this source'],
    [
      'hub.mode=subscribe&hub.verify_token=meatyhamhock&hub.verify_token=x&hub.challenge=1',
      'hub.verify_token is not the verifyToken of this source',
    ],
    [
      'hub.mode=subscribe&hub.verify_token=meatyhamhock',
      'hub.challenge is missing or has characters that Meta does not use',
    ],
    [
      'hub.mode=subscribe&hub.verify_token=meatyhamhock&hub.challenge=%3Cscript%3E',
      'hub.challenge is missing or has characters that Meta does not use',
    ],
  ])('%s is refused with 403', (query, message) => {
    expect(check(query)).toEqual({ kind: 'refused', reason: 'handshake_refused', status: 403, message });
  });

  it('is refused while the source has no verify token, and the app secret is none', () => {
    expect(check(`hub.mode=subscribe&hub.verify_token=${secret}&hub.challenge=1`, {})).toMatchObject({ status: 403 });
    expect(check('hub.mode=subscribe&hub.verify_token=&hub.challenge=1', { verifyToken: '' })).toMatchObject({
      status: 403,
    });
  });

  it('opens no door for POST', () => {
    const url = 'https://hooks.example.com/in/abc?hub.mode=subscribe&hub.verify_token=meatyhamhock&hub.challenge=1';
    expect(verify(aCase('meta', { url, settings: { verifyToken: 'meatyhamhock' } }))).toMatchObject({
      reason: 'header_missing',
    });
  });
});

describe("Slack's url_verification", () => {
  const send = (body: string, key = secret) => {
    const signature = `v0=${createHmac('sha256', key).update(`v0:1760000000:${body}`).digest('hex')}`;
    return verify(
      aCase('slack', {
        body,
        headers: [
          ['X-Slack-Request-Timestamp', '1760000000'],
          ['X-Slack-Signature', signature],
        ],
      }),
    );
  };

  it('is answered only when it is signed', () => {
    const body = '{"type":"url_verification","challenge":"<b>3eZb</b>"}';
    expect(send(body)).toEqual({
      kind: 'handshake',
      status: 200,
      contentType: 'application/json',
      body: '{"challenge":"<b>3eZb</b>"}',
    });
    expect(send(body, 'another secret')).toMatchObject({ reason: 'signature_mismatch' });
  });

  it('is not seen in an event that only mentions it', () => {
    const event = {
      type: 'event_callback',
      event_id: 'Ev1',
      event: { type: 'message', text: 'url_verification' },
      challenge: 'x',
    };
    expect(send(JSON.stringify(event))).toMatchObject({ kind: 'verified', deliveryId: 'Ev1', eventName: 'message' });
  });

  it('names buttons and slash commands, whose answer is shown to a person', () => {
    const payload = encodeURIComponent('{"type":"block_actions","trigger_id":"1.2"}');
    expect(send(`payload=${payload}`)).toMatchObject({ eventName: 'block_actions', deliveryId: '1.2' });
    expect(send('payload=%7B')).toMatchObject({ kind: 'verified' });
    expect(PROVIDERS.slack.acknowledgement.body).toBe('');
  });
});

describe('methods', () => {
  it.each(PROVIDER_NAMES)('%s answers methods it never sends with 405', (provider) => {
    for (const method of ['HEAD', 'OPTIONS', 'TRACE', 'post']) {
      expect(verify(aCase(provider, { method }))).toMatchObject({ reason: 'method_not_supported', status: 405 });
    }
  });

  it.each(['github', 'stripe', 'asaas', 'generic-hmac'])('%s does not take GET', (provider) => {
    expect(verify(aCase(provider, { method: 'GET' }))).toMatchObject({ status: 405 });
  });
});
