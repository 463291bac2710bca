import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { Api } from '../support/api.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { type Receiver, startReceiver } from '../support/receiver.js';

export type SignatureFormat = 'hex' | 'sha256=';

export interface SignedRequest {
  headers: Record<string, string>;
  body: string;
}

interface RequestToSign {
  secret: string;
  /** What is delivered: an envelope `{event, timestamp, data}` or flat data. */
  body: object;
  signatureFormat: SignatureFormat;
}

let app: TestApp;
let receiver: Receiver;
let count = 0;

beforeAll(async () => {
  [app, receiver] = await Promise.all([startTestApp(), startReceiver()]);
});
afterAll(() => Promise.all([app.close(), receiver.close()]));

/** A request as the server really delivers it to a subscription with this secret and format: headers and body as they came. */
export async function signedRequest({ secret, body, signatureFormat }: RequestToSign): Promise<SignedRequest> {
  const api = Api.of(app);
  const path = `/signed/${++count}`;
  const envelope =
    'event' in body ? (body as { event: string; timestamp?: string; data: object; metadata?: object }) : null;
  const event = envelope
    ? { type: envelope.event, data: envelope.data, occurredAt: envelope.timestamp, metadata: envelope.metadata }
    : { type: 'contact.created', data: body };
  const { id } = await api.post(
    '/api/v1/subscriptions',
    {
      url: receiver.url + path,
      eventTypes: [event.type],
      secret,
      signatureFormat,
      bodyFormat: envelope ? 'envelope' : 'flat',
    },
    201,
  );
  await api.post('/api/v1/events', event, 202);
  const received = await eventually(() => {
    const request = receiver.requests.find((candidate) => candidate.path === path);
    if (!request) throw new Error('nothing delivered yet');
    return request;
  });
  // Or the next request of this type would come here too.
  await api.delete(`/api/v1/subscriptions/${id}`);
  const { host: _host, connection: _connection, 'content-length': _length, ...headers } = received.headers;
  return { headers: headers as Record<string, string>, body: received.body };
}

/**
 * Signs any text, also one that is never sent (with spaces, or broken). Written from the contract and not with the code under
 * test: `X-Webhook-Signature` is keyed with the whole secret string, `webhook-signature` with the decoded one.
 */
export function signText(secret: string, body: string, signatureFormat: SignatureFormat): SignedRequest {
  const delivery = randomUUID();
  const id = `msg_${delivery.replaceAll('-', '')}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const plain = createHmac('sha256', Buffer.from(secret, 'utf8')).update(body, 'utf8').digest('hex');
  const standardKey = secret.startsWith('whsec_')
    ? Buffer.from(secret.slice(6), 'base64')
    : Buffer.from(secret, 'utf8');
  const standard = createHmac('sha256', standardKey).update(`${id}.${timestamp}.${body}`, 'utf8').digest('base64');
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${standard}`,
      'x-webhook-signature': signatureFormat === 'sha256=' ? `sha256=${plain}` : plain,
    },
  };
}
