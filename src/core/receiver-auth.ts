import { createHash, createHmac } from 'node:crypto';

/** How we sign in at a receiver. */
export type ReceiverAuth =
  | { type: 'basic'; username: string; password: string }
  | { type: 'bearer-jwt'; secret: string; audience: string | null; expiresInSeconds: number };

export const DEFAULT_JWT_SECONDS = 60;

/** The request that an Authorization header is made for. */
export interface AuthorizedRequest {
  subscriptionId: string;
  /** Its `webhook-id`. */
  messageId: string;
  body: string | Buffer;
  now: Date;
}

/** The value of `Authorization`: Basic (RFC 7617), or Bearer with a token made for this one request. */
export function authorization(auth: ReceiverAuth, request: AuthorizedRequest): string {
  if (auth.type === 'basic') {
    return `Basic ${Buffer.from(`${auth.username}:${auth.password}`, 'utf8').toString('base64')}`;
  }
  return `Bearer ${requestToken(auth, request)}`;
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const HS256 = encoded({ alg: 'HS256', typ: 'JWT' });

/**
 * A short-lived JWT (RFC 7519) for receivers that can check a token but no HMAC over the body, such as n8n's Webhook node.
 * `jti` is the `webhook-id` and `sha256` the body's digest in hex: a token proves one body, once.
 *
 * Made by hand, because making one is one HMAC over two encoded parts (RFC 7515 §3.1). What a library guards against
 * (algorithms chosen by the token, missing checks) are mistakes of those who verify.
 */
function requestToken(
  { secret, audience, expiresInSeconds }: Extract<ReceiverAuth, { type: 'bearer-jwt' }>,
  { subscriptionId, messageId, body, now }: AuthorizedRequest,
): string {
  const iat = Math.floor(now.getTime() / 1000);
  const claims = encoded({
    iss: 'posthaste',
    sub: subscriptionId,
    ...(audience !== null && { aud: audience }),
    iat,
    exp: iat + expiresInSeconds,
    jti: messageId,
    sha256: createHash('sha256').update(body).digest('hex'),
  });
  const signed = `${HS256}.${claims}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
