import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export type HashName = 'sha1' | 'sha256' | 'sha512';
export type Encoding = 'hex' | 'base64';

export function hmac(hash: HashName, key: string | Buffer, ...parts: (string | Buffer)[]): Buffer {
  const mac = createHmac(hash, key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

export function digest(hash: HashName, ...parts: (string | Buffer)[]): Buffer {
  const sum = createHash(hash);
  for (const part of parts) sum.update(part);
  return sum.digest();
}

/** Upper-case digits count as lower-case ones; anything but the right number of digits is false (provider sheet, rule 3). */
export function equalsHex(text: string, expected: Buffer): boolean {
  if (text.length !== expected.length * 2 || !/^[0-9a-f]+$/i.test(text)) return false;
  return timingSafeEqual(Buffer.from(text, 'hex'), expected);
}

/** Compares the text, not what it decodes to: a decoder would forgive trailing garbage and unused bits. */
export function equalsBase64(text: string, expected: Buffer): boolean {
  const given = Buffer.from(text, 'utf8');
  const wanted = Buffer.from(expected.toString('base64'), 'utf8');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

export function equalsDigest(text: string, expected: Buffer, encoding: Encoding): boolean {
  return encoding === 'hex' ? equalsHex(text, expected) : equalsBase64(text, expected);
}

const BYTES: Record<HashName, number> = { sha1: 20, sha256: 32, sha512: 64 };

/** What is wrong with the form of a digest, in words, or null. */
export function digestProblem(text: string, hash: HashName, encoding: Encoding): string | null {
  if (encoding === 'hex') {
    const digits = BYTES[hash] * 2;
    return text.length === digits && /^[0-9a-f]+$/i.test(text) ? null : `not ${digits} hexadecimal digits`;
  }
  const characters = Math.ceil(BYTES[hash] / 3) * 4;
  const wellFormed = text.length === characters && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  return wellFormed ? null : `not ${characters} characters of base64`;
}
