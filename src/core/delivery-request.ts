import type { KeyObject } from 'node:crypto';
import {
  asymmetricSignature,
  plainSignature,
  type SignatureFormat,
  type SigningKeys,
  standardSignature,
} from './signature.js';

export type BodyFormat = 'envelope' | 'flat' | 'cloudevents';

/** An event as it was accepted; `data` and `metadata` are JSON text and travel unchanged, key order included. */
export interface EventContent {
  id: string;
  type: string;
  data: string;
  metadata: string | null;
  occurredAt: Date;
}

/**
 * The bytes that are signed and sent.
 * envelope `{event, timestamp, data, metadata?}` (the Sistema CRM and FlowKick guides), flat: the data alone (the CRM guide),
 * cloudevents: the structured JSON form of CloudEvents 1.0.
 */
export function deliveryBody(event: EventContent, format: BodyFormat): string {
  const time = event.occurredAt.toISOString();
  switch (format) {
    case 'flat':
      return event.data;
    case 'envelope': {
      const metadata = event.metadata === null ? '' : `,"metadata":${event.metadata}`;
      return `{"event":${JSON.stringify(event.type)},"timestamp":"${time}","data":${event.data}${metadata}}`;
    }
    case 'cloudevents':
      return (
        `{"specversion":"1.0","id":"${event.id}","source":"posthaste","type":${JSON.stringify(event.type)},` +
        `"time":"${time}","datacontenttype":"application/json","data":${event.data}}`
      );
  }
}

/** The Standard Webhooks message id: one for a delivery, the same over all its attempts, so that a receiver can drop repeats. */
export function messageId(deliveryId: string): string {
  return `msg_${deliveryId.replaceAll('-', '')}`;
}

export interface SignedRequest {
  body: string | Buffer;
  headers: Record<string, string>;
  /** Those of them that do not follow from the delivery, see `followingHeaders`. */
  ownHeaders: Record<string, string>;
}

/** What the headers of an attempt say of its delivery: the same whenever it is asked, so not kept with each attempt. */
export function followingHeaders(deliveryId: string, eventType: string, attemptNumber: number, sentAt: Date) {
  return {
    'webhook-id': messageId(deliveryId),
    'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
    'x-webhook-event': eventType,
    'x-webhook-delivery': deliveryId,
    'x-webhook-attempt': String(attemptNumber),
  };
}

export const USUAL_HEADERS = { 'content-type': 'application/json' };

export interface SigningInput {
  deliveryId: string;
  eventType: string;
  body: string | Buffer;
  /** Further headers, names in lower case; those that sign or identify cannot be replaced by them. */
  headers?: Record<string, string>;
  /** 1 for the first. */
  attemptNumber: number;
  /** Newest first; the plain signature can hold one only and uses the newest. */
  keys: readonly SigningKeys[];
  signatureFormat: SignatureFormat;
  /** Adds a `v1a` signature; null: none is wanted. */
  privateKey: KeyObject | null;
  userAgent: string;
  now: Date;
}

/** All headers of an attempt: Standard Webhooks 1.0.0 and the plain `X-Webhook-*` family, over the same bytes. */
export function signedRequest(input: SigningInput): SignedRequest {
  const id = messageId(input.deliveryId);
  const unixSeconds = Math.floor(input.now.getTime() / 1000);
  const newest = input.keys[0];
  if (!newest) throw new Error('a subscription always has a secret');
  const signatures = [
    standardSignature(id, unixSeconds, input.body, input.keys),
    ...(input.privateKey ? [asymmetricSignature(id, unixSeconds, input.body, input.privateKey)] : []),
  ];
  const ownHeaders = {
    ...input.headers,
    'user-agent': input.userAgent,
    'webhook-signature': signatures.join(' '),
    'x-webhook-signature': plainSignature(input.body, newest, input.signatureFormat),
  };
  const following = followingHeaders(input.deliveryId, input.eventType, input.attemptNumber, input.now);
  return { body: input.body, headers: { ...USUAL_HEADERS, ...ownHeaders, ...following }, ownHeaders };
}
