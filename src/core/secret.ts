import { createCipheriv, createDecipheriv, createHash, hash, randomBytes, timingSafeEqual } from 'node:crypto';

const WHSEC = 'whsec_';

/** A subscription secret: `whsec_` + base64 of 32 random bytes (product.md, decision 3; Standard Webhooks §"Signature scheme"). */
export function newSubscriptionSecret(): string {
  return WHSEC + randomBytes(32).toString('base64');
}

/**
 * The HMAC key of the Standard Webhooks signature.
 * A `whsec_` secret is decoded from base64; any other secret a tenant brought is used as its UTF-8 bytes.
 */
export function standardWebhooksKey(secret: string): Buffer {
  return secret.startsWith(WHSEC) ? Buffer.from(secret.slice(WHSEC.length), 'base64') : Buffer.from(secret, 'utf8');
}

/** Why a secret brought by a tenant cannot be used, in words, or null. `whsec_` secrets must hold 16–64 bytes of base64. */
export function secretProblem(secret: string): string | null {
  if (!secret.startsWith(WHSEC)) {
    return secret.length >= 16 && secret.length <= 256 ? null : 'A secret has 16 to 256 characters.';
  }
  const encoded = secret.slice(WHSEC.length);
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) {
    return 'After "whsec_" a secret must be valid base64.';
  }
  return bytes.length >= 16 && bytes.length <= 64 ? null : 'After "whsec_" a secret must decode to 16 to 64 bytes.';
}

/** An opaque token with 256 bits of randomness, URL-safe; stored only as its hash. */
export function newToken(prefix: string): string {
  return prefix + randomBytes(32).toString('base64url');
}

/** SHA-256: enough for tokens of 256 random bits, which no dictionary holds (passwords use argon2id instead). */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** The same as a text to look things up by, one character for each byte; at half the cost, for every request needs it. */
export function tokenKey(token: string): string {
  return hash('sha256', token, 'binary');
}

/** Compares two secrets in constant time, whatever their lengths. */
export function sameSecret(a: string | Buffer, b: string | Buffer): boolean {
  const hashed = (value: string | Buffer) => createHash('sha256').update(value).digest();
  return timingSafeEqual(hashed(a), hashed(b));
}

const SEALED_VERSION = 1;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID_BYTES = 4;

/** Names the master key that sealed a value, so that keys can be rotated: the first bytes of its hash. */
export function masterKeyId(masterKey: Buffer): Buffer {
  return createHash('sha256').update('posthaste master key').update(masterKey).digest().subarray(0, KEY_ID_BYTES);
}

/**
 * Encrypts with AES-256-GCM. `boundTo` (for instance `subscription_secrets:<id>`) is authenticated with it:
 * a ciphertext copied to another row does not open.
 * Layout: version (1) · key id (4) · iv (12) · tag (16) · ciphertext.
 */
export function seal(plaintext: string, masterKey: Buffer, boundTo: string): Buffer<ArrayBuffer> {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', masterKey, iv).setAAD(Buffer.from(boundTo));
  const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.from([SEALED_VERSION]), masterKeyId(masterKey), iv, cipher.getAuthTag(), body]);
}

/** Opens what `seal` made. Throws when the key, the bytes or `boundTo` are not the same. */
export function open(sealed: Uint8Array, masterKey: Buffer, boundTo: string): string {
  const bytes = Buffer.from(sealed);
  const ivStart = 1 + KEY_ID_BYTES;
  const tagStart = ivStart + IV_BYTES;
  const bodyStart = tagStart + TAG_BYTES;
  if (bytes.length < bodyStart || bytes[0] !== SEALED_VERSION) throw new Error('not a sealed value');
  if (!bytes.subarray(1, ivStart).equals(masterKeyId(masterKey))) {
    throw new Error('sealed with another master key: is MASTER_KEY the one this database was made with?');
  }
  const decipher = createDecipheriv('aes-256-gcm', masterKey, bytes.subarray(ivStart, tagStart))
    .setAAD(Buffer.from(boundTo))
    .setAuthTag(bytes.subarray(tagStart, bodyStart));
  return Buffer.concat([decipher.update(bytes.subarray(bodyStart)), decipher.final()]).toString('utf8');
}
