import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { aCase, vectorCase, verify } from './vectors/verify-case.js';

const secret = 'a-secret-of-this-source';
const sha1 = (text: string) => createHmac('sha1', secret).update(text).digest('base64');

describe('Twilio', () => {
  const configured = 'https://app.example.com/in/abc';
  const attempt = (url: string, signed: string, body = '', settings = {}) =>
    verify(aCase('twilio', { url, body, settings, headers: [['X-Twilio-Signature', sha1(signed)]] }));

  it('takes the URL with and without a port', () => {
    for (const signed of [configured, 'https://app.example.com:443/in/abc', 'https://app.example.com:8443/in/abc']) {
      expect(attempt('https://app.example.com:8443/in/abc', signed).kind).toBe(
        signed.includes(':443') ? 'refused' : 'verified',
      );
    }
    expect(attempt(configured, 'https://app.example.com:443/in/abc').kind).toBe('verified');
    expect(attempt('http://app.example.com/in/abc?a=1', 'http://app.example.com:80/in/abc?a=1').kind).toBe('verified');
    expect(attempt(configured, 'http://app.example.com/in/abc').kind).toBe('refused');
  });

  it('takes the query as it is and as older signers encode it', () => {
    const sent = `${configured}?name=O'Neil&b=(1)&c=a%20b&c=d`;
    expect(attempt(sent, sent).kind).toBe('verified');
    expect(attempt(`${configured}?name=O%27Neil%28`, `${configured}?name=O'Neil(`).kind).toBe('verified');
    expect(attempt(`${configured}?name=O%27Neil%28&x=1`, `${configured}?name=O'Neil(`).kind).toBe('refused');
  });

  it('signs repeated names once for each different value, sorted', () => {
    const body = 'b=2&a=z&a=y&a=z&B=%C3%A9&empty=';
    expect(attempt(configured, `${configured}BéayazB`, body).kind).toBe('refused');
    expect(attempt(configured, `${configured}Béayazb2empty`, body).kind).toBe('verified');
  });

  it('covers a body of any type: without bodySHA256 it is taken as a form', () => {
    expect(attempt(configured, configured, '{"id":1}')).toMatchObject({ reason: 'body_mismatch' });
    expect(attempt(configured, configured, 'a=1')).toMatchObject({ reason: 'signature_mismatch' });
    const hash = createHash('sha256').update('{}').digest('hex');
    const url = `${configured}?bodySHA256=${hash}`;
    expect(attempt(url, url, '{}').kind).toBe('verified');
    expect(attempt(`${url}&bodySHA256=${hash}`, `${url}&bodySHA256=${hash}`, '{}')).toMatchObject({
      reason: 'body_mismatch',
    });
    expect(attempt(`${configured}?bodySHA256=`, `${configured}?bodySHA256=`, '')).toMatchObject({
      reason: 'body_mismatch',
    });
  });

  it('uses the URL pasted at Twilio where a proxy shows us another one, with the query of this request', () => {
    const settings = { publicUrl: configured };
    expect(attempt('http://10.0.0.3:8001/in/abc', configured, 'a=1', settings).kind).toBe('refused');
    expect(attempt('http://10.0.0.3:8001/in/abc', `${configured}a1`, 'a=1', settings).kind).toBe('verified');
    expect(attempt('http://10.0.0.3:8001/in/abc?x=1', `${configured}?x=1`, '', settings).kind).toBe('verified');
    expect(
      attempt('http://10.0.0.3:8001/in/abc?x=2', `${configured}?x=1`, '', { publicUrl: `${configured}?x=1` }).kind,
    ).toBe('refused');
    expect(
      attempt('http://10.0.0.3:8001/in/abc', `${configured}?x=1`, '', { publicUrl: `${configured}?x=1` }).kind,
    ).toBe('verified');
  });

  it('tells messages, status callbacks and calls apart, and finds their ids', () => {
    const identify = (body: string) => {
      const form = [...new URLSearchParams(body)]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flat()
        .join('');
      return attempt(configured, configured + form, body);
    };
    expect(identify('MessageSid=SM1&SmsStatus=received&Body=oi')).toMatchObject({
      eventName: 'message.received',
      deliveryId: 'SM1:received',
    });
    expect(identify('MessageSid=SM1&MessageStatus=delivered')).toMatchObject({
      eventName: 'message.delivered',
      deliveryId: 'SM1:delivered',
    });
    expect(identify('CallSid=CA1&CallStatus=ringing')).toMatchObject({ eventName: 'call.ringing' });
    const fromQuery = `${configured}?MessageSid=SM2`;
    const verdict = verify(
      aCase('twilio', { url: fromQuery, method: 'GET', body: '', headers: [['X-Twilio-Signature', sha1(fromQuery)]] }),
    );
    expect(verdict).toMatchObject({ deliveryId: 'SM2:received' });
  });
});

describe('HubSpot', () => {
  const url = 'https://app.example.com/in/abc?next=a%2Fb%3A%20c&d=1%40';
  const body = '[{"portalId":1,"subscriptionId":2,"eventId":3,"occurredAt":4,"subscriptionType":"contact.creation"}]';
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const v3 = (text: string) => createHmac('sha256', secret).update(text).digest('base64');

  it('takes a v3 signature over the URL as it was sent and with some characters decoded', () => {
    const time = '1760000000000';
    const attempt = (signedUrl: string) => {
      const headers: [string, string][] = [
        ['X-HubSpot-Request-Timestamp', time],
        ['X-HubSpot-Signature-v3', v3(`POST${signedUrl}${body}${time}`)],
      ];
      return verify(aCase('hubspot', { url, body, headers }));
    };
    expect(attempt(url).kind).toBe('verified');
    expect(attempt('https://app.example.com/in/abc?next=a/b:%20c&d=1@').kind).toBe('verified');
    expect(attempt('https://app.example.com/in/abc?next=a/b: c&d=1@').kind).toBe('refused');
  });

  it('takes v1 and v2, unless v3 is required', () => {
    const old = (version: string, signature: string, settings = {}) =>
      verify(
        aCase('hubspot', {
          url,
          body,
          settings,
          headers: [
            ['X-HubSpot-Signature', signature],
            ['X-HubSpot-Signature-Version', version],
          ],
        }),
      );
    expect(old('v1', sha256(secret + body)).kind).toBe('verified');
    expect(old('v2', sha256(`${secret}POST${url}${body}`)).kind).toBe('verified');
    expect(old('v2', sha256(secret + body)).kind).toBe('refused');
    expect(old('v4', sha256(secret + body))).toMatchObject({ message: 'signature version "v4" is not v1, v2 or v3' });
    expect(old('v1', sha256(secret + body), { requireV3: true })).toMatchObject({
      message: 'no header x-hubspot-signature-v3',
    });
  });

  it('lets a v3 header decide alone: a good v1 beside a bad v3 does not help', () => {
    const headers: [string, string][] = [
      ['X-HubSpot-Signature', sha256(secret + body)],
      ['X-HubSpot-Signature-Version', 'v1'],
      ['X-HubSpot-Request-Timestamp', '1760000000000'],
      ['X-HubSpot-Signature-v3', v3('something else')],
    ];
    expect(verify(aCase('hubspot', { url, body, headers }))).toMatchObject({ reason: 'signature_mismatch' });
    expect(verify(aCase('hubspot', { url, body, headers: headers.slice(0, 2) })).kind).toBe('verified');
  });

  it('refuses a v1 body that is not JSON, which is what a length extension would be', () => {
    const extended = Buffer.concat([Buffer.from(body), Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 1]), Buffer.from('[]')]);
    const signature = createHash('sha256').update(secret).update(extended).digest('hex');
    expect(
      verify(aCase('hubspot', { url, body: extended, headers: [['X-HubSpot-Signature', signature]] })),
    ).toMatchObject({ reason: 'body_not_json' });
  });

  it('names a batch by what its events share, and gives it the same id in any order', () => {
    const one = {
      portalId: 1,
      subscriptionId: 2,
      eventId: 3,
      occurredAt: 4,
      subscriptionType: 'contact.creation',
      attemptNumber: 0,
    };
    const two = { ...one, eventId: 9, subscriptionType: 'deal.creation' };
    const send = (...events: object[]) => {
      const text = JSON.stringify(events);
      return verify(aCase('hubspot', { url, body: text, headers: [['X-HubSpot-Signature', sha256(secret + text)]] }));
    };
    expect(send(one)).toMatchObject({ deliveryId: '1:2:3:4', eventName: 'contact.creation' });
    const first = send(one, two);
    expect(first).toMatchObject({ deliveryId: expect.stringMatching(/^batch:[0-9a-f]{64}$/), eventName: 'batch' });
    expect(send({ ...two, attemptNumber: 1 }, { ...one, attemptNumber: 1 })).toEqual(first);
    expect(send(one, { eventId: 9 })).not.toHaveProperty('deliveryId');
  });
});

describe('Mercado Pago', () => {
  it('leaves absent parts out of the signed text', () => {
    const ts = '1760000000';
    const attempt = (signed: string, url: string, more: [string, string][] = []) => {
      const v1 = createHmac('sha256', secret).update(signed).digest('hex');
      return verify(aCase('mercadopago', { url, headers: [['x-signature', `ts=${ts},v1=${v1}`], ...more] }));
    };
    const url = 'https://hooks.example.com/in/abc';
    expect(attempt(`ts:${ts};`, url).kind).toBe('verified');
    expect(attempt(`id:7;ts:${ts};`, `${url}?data.id=7`).kind).toBe('verified');
    expect(attempt(`request-id:r1;ts:${ts};`, url, [['x-request-id', 'r1']]).kind).toBe('verified');
    expect(attempt(`ts:${ts};`, `${url}?data.id=7`).kind).toBe('refused');
    expect(attempt(`id:7;ts:${ts};`, `${url}?data.id=7&data.id=8`)).toMatchObject({ reason: 'query_repeated' });
  });

  it('does not cover the body: it must not be believed', () => {
    const forged = {
      ...vectorCase('mercadopago-s02-id-kept-uppercase-ok'),
      body: Buffer.from('{"action":"payment.updated"}'),
    };
    expect(verify(forged).kind).toBe('verified');
  });
});
