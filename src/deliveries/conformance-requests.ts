import { newSubscriptionSecret } from '../core/secret.js';
import { plainSignature, signingKeys, standardSignature } from '../core/signature.js';
import type { Target } from '../subscriptions/subscription-targets.js';
import type { CheckName } from './conformance-grader.js';
import { buildRequest, type Deliverable, type DeliveryRequest } from './request-builder.js';

/** Twice what a receiver may allow clocks to differ (Standard Webhooks 1.0.0: five minutes in the libraries). */
const STALE_MS = 10 * 60_000;

/** The request of each check, in the order in which they are sent: the two good ones first. */
export function conformanceRequests(
  deliverable: (attemptCount: number) => Deliverable,
  target: Target,
  now: Date,
  version: string,
): [CheckName, DeliveryRequest][] {
  const first = deliverable(0);
  const build = (delivery: Deliverable, at = now) => buildRequest(delivery, target, at, version);
  const good = build(first);
  return [
    ['good', good],
    ['repeated', build({ ...first, attemptCount: 1 })],
    ['tampered_body', tampered(build(deliverable(0)))],
    ['wrong_signature', forged(build(deliverable(0)))],
    ['missing_headers', unsigned(build(deliverable(0)))],
    ['stale_timestamp', build(deliverable(0), new Date(now.getTime() - STALE_MS))],
  ];
}

/** Other data under the signature of the right one; well-formed, so that nothing but the signature tells. */
function tampered(request: DeliveryRequest): DeliveryRequest {
  const body = String(request.body);
  const members = body.slice(0, body.lastIndexOf('}'));
  const comma = members.trimEnd().endsWith('{') ? '' : ',';
  return { ...request, body: `${members}${comma}"tampered":true}` };
}

/** As somebody signs it who does not know the secret. */
function forged(request: DeliveryRequest): DeliveryRequest {
  const { headers, body } = request;
  const keys = signingKeys(newSubscriptionSecret());
  const format = headers['x-webhook-signature']?.startsWith('sha256=') ? 'sha256=' : 'hex';
  const id = headers['webhook-id'] as string;
  const signatures = {
    'x-webhook-signature': plainSignature(body, keys, format),
    'webhook-signature': standardSignature(id, Number(headers['webhook-timestamp']), body, [keys]),
  };
  const token = bearerOf(headers);
  // A token is a signature too: its last part is turned round.
  const authorization = token?.replace(/[^.]+$/, (signature) => [...signature].reverse().join(''));
  return { ...request, headers: { ...headers, ...signatures, ...(authorization && { authorization }) } };
}

/** As anybody can send it who knows the URL. */
function unsigned(request: DeliveryRequest): DeliveryRequest {
  const withToken = bearerOf(request.headers) !== undefined;
  const isProof = (name: string) =>
    name.startsWith('webhook-') || name === 'x-webhook-signature' || (withToken && name === 'authorization');
  const headers = Object.entries(request.headers).filter(([name]) => !isProof(name.toLowerCase()));
  return { ...request, headers: Object.fromEntries(headers) };
}

function bearerOf(headers: Record<string, string>): string | undefined {
  return headers.authorization?.startsWith('Bearer ') ? headers.authorization : undefined;
}
