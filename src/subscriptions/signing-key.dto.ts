/** A public key as a JSON Web Key (RFC 7517, RFC 8037), and in the form of Standard Webhooks. */
export class WebhookKey {
  kty: string;
  crv: string;
  /** The 32 bytes of the key, base64url. */
  x: string;
  kid: string;
  use: string;
  alg: string;
  /** The same key as `whpk_` + base64. */
  whpk: string;
}

export class WebhookKeySet {
  /** Newest first. A `v1a` signature by any of them is the tenant's. */
  keys: WebhookKey[];
}
