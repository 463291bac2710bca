import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { jsonBody, memberAt, textAt } from './body-fields.js';
import { bearerJwt, checkTokenTimes, type Jwt } from './jwt.js';
import { type Check, type Provider, USUAL } from './provider.js';
import { splitOnce } from './request.js';
import { type Match, quoted, type Refusal, refuse } from './verdict.js';

const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];

/**
 * Gmail and other Google pushes through Pub/Sub: an RS256 token by Google names the service account and the audience; the
 * body is not covered (provider sheet §1). Google's keys come in as `jwks`: fetching them is for the caller, who asks
 * again when the verdict is `token_key_unknown`. node:crypto checks the signature: core/ imports nothing else, jose is
 * asynchronous, and with the algorithm pinned there is one `verify` left to do.
 */
export const googlePubsub: Provider = {
  ...USUAL,
  title: 'Gmail and Google Pub/Sub',
  secret: { kind: 'none', madeBy: 'nobody', about: 'There is none: Google signs with its own keys.' },
  settings: [
    {
      name: 'serviceAccountEmail',
      kind: 'text',
      required: true,
      about:
        'The service account of the push subscription. Without this check any Google Cloud customer could make an accepted token.',
    },
    {
      name: 'audience',
      kind: 'text',
      about: 'The audience of the push subscription, when it is not the URL of this source.',
    },
    {
      name: 'jwks',
      kind: 'keys',
      about: 'The keys tokens are signed with, when they are not the ones Google publishes (an emulator).',
    },
  ],
  bodySigned: false,
  keepDeliveryIdsDays: 7,

  verify(check) {
    const token = bearerJwt(check.request, 'RS256');
    if ('kind' in token) return token;
    return (
      checkKey(token, check) ?? checkClaims(token.claims, check) ?? checkTokenTimes(token.claims, check.now) ?? MATCH
    );
  },

  identify({ request }) {
    const body = jsonBody(request);
    const deliveryId = textAt(body, 'message', 'messageId') ?? textAt(body, 'message', 'message_id');
    if (memberAt(body, 'message') === undefined) return {};
    return {
      deliveryId,
      eventName: isGmail(textAt(body, 'message', 'data')) ? 'gmail.notification' : 'pubsub.message',
    };
  },
};

const MATCH: Match = { kind: 'match' };

function checkKey({ header, signedText, signature }: Jwt, { settings }: Check): Refusal | null {
  const keys = settings.keys('jwks');
  if (!keys) return refuse('keys_unavailable', "Google's public keys are not available at the moment");
  const { kid } = header;
  const jwk = keys.find((one) => typeof kid === 'string' && memberAt(one, 'kid') === kid);
  if (!jwk) return refuse('token_key_unknown', `no key of Google has the id ${quoted(kid)}`);
  const key = rsaKey(jwk);
  if (!key) return refuse('token_key_unknown', `the key ${quoted(kid)} is not an RSA key for RS256`);
  return verify('RSA-SHA256', Buffer.from(signedText), key, signature)
    ? null
    : refuse('signature_mismatch', "the token's signature is not Google's");
}

function checkClaims(claims: Record<string, unknown>, { request, settings }: Check): Refusal | null {
  const email = settings.text('serviceAccountEmail');
  if (!email)
    return refuse('settings_unusable', 'this source has no serviceAccountEmail: set the one of the push subscription');
  const audience = settings.text('audience');
  const audiences = audience ? [audience] : [request.url, splitOnce(request.url, '?')[0]];
  if (!ISSUERS.includes(claims.iss as string))
    return refuse('token_claim', `the token's issuer is ${quoted(claims.iss)}, not Google`);
  if (!audiences.includes(claims.aud as string)) {
    return refuse(
      'token_claim',
      `the token is for the audience ${quoted(claims.aud)}, not for ${audience ? quoted(audience) : 'the URL of this source'}`,
    );
  }
  if (claims.email !== email)
    return refuse('token_claim', `the token is of ${quoted(claims.email)}, not of ${quoted(email)}`);
  return claims.email_verified === true ? null : refuse('token_claim', "the token's e-mail address is not verified");
}

function rsaKey(jwk: unknown): KeyObject | null {
  const usable =
    memberAt(jwk, 'kty') === 'RSA' &&
    ['RS256', undefined].includes(memberAt(jwk, 'alg') as undefined) &&
    ['sig', undefined].includes(memberAt(jwk, 'use') as undefined);
  if (!usable) return null;
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    return (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? key : null;
  } catch {
    return null;
  }
}

function isGmail(data: string | undefined): boolean {
  try {
    const change: unknown = JSON.parse(Buffer.from(data ?? '', 'base64').toString('utf8'));
    return textAt(change, 'emailAddress') !== undefined && textAt(change, 'historyId') !== undefined;
  } catch {
    return false;
  }
}
