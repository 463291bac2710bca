import { deliveryBody, signedRequest } from '../core/delivery-request.js';
import type { Target } from '../subscriptions/subscription-targets.js';
import type { LoadedDelivery } from './delivery.store.js';

export interface DeliveryRequest {
  url: URL;
  headers: Record<string, string>;
  body: string;
}

/** What of a delivery its request is made from. */
export type Deliverable = Pick<LoadedDelivery, 'id' | 'subscriptionId' | 'attemptCount' | 'event'>;

/** The request of a delivery's next attempt: shape, then sign. What is signed is what is sent. */
export function buildRequest(delivery: Deliverable, target: Target, now: Date, version: string): DeliveryRequest {
  const { event } = delivery;
  const signed = signedRequest({
    deliveryId: delivery.id,
    eventType: event.type,
    body: deliveryBody(event, target.bodyFormat),
    attemptNumber: delivery.attemptCount + 1,
    keys: target.keysAt(now),
    signatureFormat: target.signatureFormat,
    userAgent: `Posthaste/${version}`,
    now,
  });
  return { url: target.url, headers: signed.headers, body: signed.body };
}
