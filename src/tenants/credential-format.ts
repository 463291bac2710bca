import { randomInt } from 'node:crypto';
import { newToken } from '../core/secret.js';

const LOWER = 'abcdefghijklmnopqrstuvwxyz0123456789';
const ALPHANUMERIC = `ABCDEFGHIJKLMNOPQRSTUVWXYZ${LOWER}`;
const PUBLIC_ID_LENGTH = 12;
/** 62^43 > 2^256. */
const SECRET_LENGTH = 43;
const PASSWORD_LENGTH = 20;

const API_KEY = /^phk_([a-z0-9]{8,32})_[A-Za-z0-9]{32,128}$/;
const SESSION_TOKEN = /^phs_[A-Za-z0-9_-]{43}$/;

const random = (alphabet: string, length: number) =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');

/** A new API key `phk_<publicId>_<secret>`. The public id names it in lists and logs; without the secret it opens nothing. */
export function newApiKey(): string {
  return `phk_${random(LOWER, PUBLIC_ID_LENGTH)}_${random(ALPHANUMERIC, SECRET_LENGTH)}`;
}

/** The public id inside an API key, or null when the text is not one. */
export function publicIdOf(key: string): string | null {
  return API_KEY.exec(key)?.[1] ?? null;
}

export function newSessionToken(): string {
  return newToken('phs_');
}

export function isSessionToken(token: string): boolean {
  return SESSION_TOKEN.test(token);
}

/** For members whose password nobody chose: shown once. */
export function newPassword(): string {
  return random(ALPHANUMERIC, PASSWORD_LENGTH);
}
