import { headerOnce, type ProviderRequest } from './request.js';
import { quoted, type Refusal, refuse } from './verdict.js';

/** A JSON Web Token that has been taken apart, not verified. */
export interface Jwt {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  signedText: string;
  signature: Buffer;
}

const MAX_TOKEN_CHARACTERS = 8192;
/** How far ahead of ours the clock of the issuer may be. */
const ISSUED_AHEAD_SECONDS = 300;

/**
 * The token of `Authorization: Bearer …`. Its algorithm is pinned by the caller: what the token says about itself
 * (`none`, HS256 where a public key is expected) never decides how it is checked (RFC 8725 §3.1).
 */
export function bearerJwt(request: ProviderRequest, algorithm: 'HS256' | 'RS256'): Jwt | Refusal {
  const value = headerOnce(request, 'authorization');
  if (typeof value !== 'string') return value;
  const [, token] = /^Bearer +(\S+)$/i.exec(value) ?? [];
  if (token === undefined) return refuse('token_malformed', 'header authorization is not "Bearer" and a token');
  const parts = token.length <= MAX_TOKEN_CHARACTERS ? token.split('.') : [];
  const [header, claims] = [jsonPart(parts[0]), jsonPart(parts[1])];
  const signature = bytesOf(parts[2]);
  if (parts.length !== 3 || !header || !claims || !signature)
    return refuse('token_malformed', 'the bearer token is not a JSON Web Token');
  if (header.alg !== algorithm)
    return refuse('token_algorithm', `the token's algorithm is ${quoted(header.alg)}, only ${algorithm} is accepted`);
  if (header.crit !== undefined)
    return refuse('token_algorithm', 'the token asks for extensions (crit) that are not supported');
  return { header, claims, signedText: `${parts[0]}.${parts[1]}`, signature };
}

/** `exp` is required; `iat` and `nbf` are checked when they are there. */
export function checkTokenTimes(claims: Record<string, unknown>, now: Date): Refusal | null {
  const nowSeconds = now.getTime() / 1000;
  const { exp, iat, nbf } = claims;
  if (typeof exp !== 'number') return refuse('token_claim', 'the token has no expiry (exp)');
  if (nowSeconds >= exp) return refuse('token_expired', `the token expired ${Math.floor(nowSeconds - exp)} s ago`);
  for (const start of [iat, nbf]) {
    if (start === undefined) continue;
    if (typeof start !== 'number') return refuse('token_claim', 'a time in the token is not a number');
    if (start > nowSeconds + ISSUED_AHEAD_SECONDS) {
      return refuse(
        'token_not_yet_valid',
        `the token is valid only in ${Math.ceil(start - nowSeconds)} s: is a clock wrong?`,
      );
    }
  }
  return null;
}

function jsonPart(part: string | undefined): Record<string, unknown> | null {
  const bytes = bytesOf(part);
  if (!bytes) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

// Only the canonical text of the bytes: a last character with other unused bits would be another token with the same content.
function bytesOf(part: string | undefined): Buffer | null {
  if (!part) return null;
  const bytes = Buffer.from(part, 'base64url');
  return bytes.toString('base64url') === part ? bytes : null;
}
