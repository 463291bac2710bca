import { MASK } from '../core/custom-headers.js';
import {
  type BodyFormat,
  deliveryBody,
  type EventContent,
  messageId,
  signedRequest,
} from '../core/delivery-request.js';
import { forwardedBody } from '../core/forwarded-body.js';
import { HOPS, hopsOfMetadata } from '../core/hops.js';
import { projectJson } from '../core/projection.js';
import { authorization } from '../core/receiver-auth.js';
import { masked } from '../subscriptions/access-sealer.js';
import type { Target } from '../subscriptions/subscription-targets.js';
import type { LoadedDelivery } from './delivery.store.js';

export interface DeliveryRequest {
  url: URL;
  headers: Record<string, string>;
  body: string | Buffer;
  /** What the attempt's record keeps of them: not what follows from the delivery, nor what lets one in at the receiver. */
  recordedHeaders: Record<string, string>;
}

/** What of a delivery its request is made from. */
export type Deliverable = Pick<LoadedDelivery, 'id' | 'subscriptionId' | 'attemptCount' | 'event'>;

/** The request of a delivery's next attempt: shape, then sign, then say who we are. What is signed is what is sent. */
export function buildRequest(delivery: Deliverable, target: Target, now: Date, version: string): DeliveryRequest {
  const { event } = delivery;
  const { projection, access, bodyFormat } = target;
  const forwarded = forwardedBody(event);
  const hops = hopsOfMetadata(event.metadata);
  const body = forwarded?.body ?? shapedBody(event, projection, bodyFormat);
  const signed = signedRequest({
    deliveryId: delivery.id,
    eventType: event.type,
    body,
    headers: { ...forwarded?.headers, ...(hops !== null && { [HOPS]: String(hops) }) },
    attemptNumber: delivery.attemptCount + 1,
    keys: target.keysAt(now),
    signatureFormat: target.signatureFormat,
    privateKey: target.privateKey,
    userAgent: `Posthaste/${version}`,
    now,
  });
  const auth = access.auth && {
    authorization: authorization(access.auth, {
      subscriptionId: delivery.subscriptionId,
      messageId: messageId(delivery.id),
      body,
      now,
    }),
  };
  return {
    url: target.url,
    // Ours last: no custom header stands in for one of them.
    headers: { ...access.headers, ...auth, ...signed.headers },
    body,
    recordedHeaders: {
      ...masked(access.headers),
      ...(auth && { authorization: auth.authorization.replace(/ .*/, ` ${MASK}`) }),
      ...signed.ownHeaders,
    },
  };
}

/** Bodies of events, by format: an event that goes to many is made into bytes once. */
const plainBodies = new WeakMap<EventContent, Partial<Record<BodyFormat, Buffer>>>();

function shapedBody(event: EventContent, projection: Target['projection'], bodyFormat: BodyFormat): Buffer {
  if (projection) return Buffer.from(deliveryBody({ ...event, data: projectJson(event.data, projection) }, bodyFormat));
  const made = plainBodies.get(event) ?? {};
  plainBodies.set(event, made);
  made[bodyFormat] ??= Buffer.from(deliveryBody(event, bodyFormat));
  return made[bodyFormat];
}
