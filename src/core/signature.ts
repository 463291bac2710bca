import { createHmac, type KeyObject, sign } from 'node:crypto';
import { standardWebhooksKey } from './secret.js';

export type SignatureFormat = 'hex' | 'sha256=';

/** The keys of one subscription secret, derived once: an HMAC per request is cheap, decoding for each is not. */
export interface SigningKeys {
  /** Key of `X-Webhook-Signature`: the whole secret string, `whsec_` included, as UTF-8. */
  plain: Buffer;
  /** Key of `webhook-signature` (Standard Webhooks). */
  standard: Buffer;
}

export function signingKeys(secret: string): SigningKeys {
  return { plain: Buffer.from(secret, 'utf8'), standard: standardWebhooksKey(secret) };
}

/**
 * `X-Webhook-Signature`: HMAC-SHA256 of the raw body, as lower-case hex, bare or after `sha256=`
 * (product.md, decision 3; the CRM and FlowKick guides print bare hex, the Sistema CRM guide `sha256=`).
 */
export function plainSignature(body: string | Buffer, keys: SigningKeys, format: SignatureFormat): string {
  const hex = createHmac('sha256', keys.plain).update(body).digest('hex');
  return format === 'sha256=' ? `sha256=${hex}` : hex;
}

/**
 * `webhook-signature` of Standard Webhooks 1.0.0: `v1,` + base64 HMAC-SHA256 of `<id>.<unix seconds>.<body>`;
 * one entry for each active secret, separated by spaces.
 */
export function standardSignature(
  messageId: string,
  unixSeconds: number,
  body: string | Buffer,
  keys: readonly SigningKeys[],
): string {
  const prefix = `${messageId}.${unixSeconds}.`;
  return keys
    .map((key) => `v1,${createHmac('sha256', key.standard).update(prefix).update(body).digest('base64')}`)
    .join(' ');
}

/** `v1a,` + base64 of the ed25519 signature of the same text, for receivers that should hold no secret (Standard Webhooks 1.0.0). */
export function asymmetricSignature(
  messageId: string,
  unixSeconds: number,
  body: string | Buffer,
  key: KeyObject,
): string {
  const signed = Buffer.concat([Buffer.from(`${messageId}.${unixSeconds}.`), Buffer.from(body as string)]);
  return `v1a,${sign(null, signed, key).toString('base64')}`;
}
