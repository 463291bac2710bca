import { createHmac, randomUUID } from 'node:crypto';

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

/** A request as a receiver gets it from a subscription with this secret and format. */
export async function signedRequest({ secret, body, signatureFormat }: RequestToSign): Promise<SignedRequest> {
  return signText(secret, JSON.stringify(body), signatureFormat);
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
      'user-agent': 'Posthaste/test',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${standard}`,
      'x-webhook-signature': signatureFormat === 'sha256=' ? `sha256=${plain}` : plain,
      'x-webhook-event': eventOf(body),
      'x-webhook-delivery': delivery,
      'x-webhook-attempt': '1',
    },
  };
}

function eventOf(body: string): string {
  const parsed: unknown = JSON.parse(body);
  const event = typeof parsed === 'object' && parsed !== null && 'event' in parsed ? parsed.event : undefined;
  return typeof event === 'string' ? event : 'contact.created';
}
