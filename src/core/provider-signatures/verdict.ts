/** Why a request was refused; `message` says it in words. The number is the HTTP status a provider gets. */
export const REFUSALS = {
  unknown_provider: 404,
  method_not_supported: 405,
  no_secret: 401,
  secret_unusable: 401,
  settings_unusable: 401,
  header_missing: 401,
  header_repeated: 401,
  signature_malformed: 401,
  signature_mismatch: 401,
  version_not_supported: 401,
  timestamp_malformed: 401,
  timestamp_too_old: 401,
  timestamp_in_future: 401,
  query_repeated: 401,
  body_mismatch: 401,
  body_not_json: 401,
  token_mismatch: 401,
  token_malformed: 401,
  token_algorithm: 401,
  token_expired: 401,
  token_not_yet_valid: 401,
  token_claim: 401,
  token_key_unknown: 401,
  keys_unavailable: 503,
  handshake_refused: 403,
  unverifiable: 401,
} as const satisfies Record<string, number>;

export type RefusalReason = keyof typeof REFUSALS;

/** `message` is for the owner of the source. It never holds a secret, a token or the signature that was expected. */
export interface Refusal {
  kind: 'refused';
  reason: RefusalReason;
  status: number;
  message: string;
}

/** The answer to a provider's set-up check. Send it as it is; there is nothing to store. */
export interface Handshake {
  kind: 'handshake';
  status: number;
  contentType: string;
  body: string;
}

export interface Verified {
  kind: 'verified';
  /** The provider's own id of this delivery (the dedupe key); absent when it has none: dedupe by the hash of the body. */
  deliveryId?: string;
  eventName?: string;
  /** False when nothing was checked: provider `none`, or `allowUnsigned` on a source without a secret. */
  authenticated: boolean;
  /** Which of the given secrets matched, from 0: tells an owner whether the old secret is still in use. */
  secretIndex?: number;
}

export type Verdict = Verified | Refusal | Handshake;

/** A signature or token that is right. */
export interface Match {
  kind: 'match';
  secretIndex?: number;
}

/** Nothing was there to be checked, and that is what the owner of the source chose. */
export interface Unsigned {
  kind: 'unsigned';
}

export type Proof = Match | Unsigned | Refusal;

export function refuse(reason: RefusalReason, message: string): Refusal {
  return { kind: 'refused', reason, status: REFUSALS[reason], message };
}

export const SIGNATURE_MISMATCH = 'signature does not match: is the secret the one of this endpoint?';

/** Tries each active secret: two are active while one replaces the other. */
export function matchSecret(
  secrets: readonly string[],
  matches: (secret: string) => boolean,
  mismatch: Refusal = refuse('signature_mismatch', SIGNATURE_MISMATCH),
): Match | Refusal {
  const secretIndex = secrets.findIndex(matches);
  return secretIndex >= 0 ? { kind: 'match', secretIndex } : mismatch;
}

/** A value that came from outside, fit for a message: quoted, escaped and short. */
export function quoted(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? value : typeof value === 'object' ? 'an object' : String(value);
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
