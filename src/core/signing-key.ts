import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

const KEY_BYTES = 32;
const [PRIVATE, PUBLIC] = ['whsk_', 'whpk_'];

/** The ed25519 key of one tenant for `v1a` signatures, in the forms of Standard Webhooks 1.0.0. */
export interface SigningKeyPair {
  /** `whsk_` + base64 of seed and public key (32 bytes each). */
  privateText: string;
  publicBytes: Buffer;
}

export function newSigningKeyPair(): SigningKeyPair {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) as { d: string; x: string };
  const publicBytes = Buffer.from(x, 'base64url');
  const privateText = PRIVATE + Buffer.concat([Buffer.from(d, 'base64url'), publicBytes]).toString('base64');
  return { privateText, publicBytes };
}

/** The key that signs, from its `whsk_` text. Throws when it is none, or its halves do not belong together. */
export function privateKeyOf(text: string): KeyObject {
  const bytes = text.startsWith(PRIVATE) ? Buffer.from(text.slice(PRIVATE.length), 'base64') : Buffer.alloc(0);
  if (bytes.length !== 2 * KEY_BYTES) throw new Error('not an ed25519 signing key (whsk_ and base64 of 64 bytes)');
  const d = bytes.subarray(0, KEY_BYTES).toString('base64url');
  const x = bytes.subarray(KEY_BYTES).toString('base64url');
  const key = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d, x }, format: 'jwk' });
  // Node takes the seed and does not look at the public half.
  if (createPublicKey(key).export({ format: 'jwk' }).x !== x)
    throw new Error('the halves of the signing key do not match');
  return key;
}

/** `whpk_` + base64 of the 32 bytes. */
export function publicKeyText(publicBytes: Uint8Array): string {
  return PUBLIC + Buffer.from(publicBytes).toString('base64');
}

/** The public half as a JSON Web Key (RFC 8037). */
export function publicJwk(publicBytes: Uint8Array, kid: string) {
  const x = Buffer.from(publicBytes).toString('base64url');
  return { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' } as const;
}
