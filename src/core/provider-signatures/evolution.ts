import { timingSafeEqual } from 'node:crypto';
import { joinedKey, jsonBody, textAt } from './body-fields.js';
import { hmac } from './digests.js';
import { bearerJwt, checkTokenTimes } from './jwt.js';
import { type Check, type Provider, USUAL } from './provider.js';
import { ALLOW_UNSIGNED } from './settings.js';
import { checkStaticHeader } from './static-header.js';
import { type Match, matchSecret, quoted, type Refusal, refuse } from './verdict.js';

/**
 * Evolution API: signs no body. An instance may send static headers, or, with a header entry `jwt_key`, an HS256 token
 * `{app: "evolution", action: "webhook", iat, exp: iat + 600}` (provider sheet §1, read in its source).
 */
export const evolution: Provider = {
  ...USUAL,
  title: 'Evolution API (WhatsApp)',
  secret: {
    kind: 'jwt-key',
    madeBy: 'you',
    about:
      'The value of jwt_key in the headers of the instance\'s webhook, or, with the setting "header", the value of that header.',
  },
  settings: [
    {
      name: 'header',
      kind: 'header',
      about:
        "The static header of the instance's webhook that carries the secret. Without it a token made with jwt_key is expected.",
    },
    ALLOW_UNSIGNED,
  ],
  bodySigned: false,
  // The key of the whole WhatsApp instance, when the server is set to expose it.
  sensitiveFields: ['apikey'],

  verify(check) {
    const header = check.settings.text('header');
    return header ? checkStaticHeader(check, header, '') : verifyToken(check);
  },

  // One message has several updates under the same key, which differ in their status.
  identify({ request }) {
    const body = jsonBody(request);
    const eventName = textAt(body, 'event');
    const key = joinedKey(eventName, textAt(body, 'instance'), textAt(body, 'data', 'key', 'id'));
    const status = textAt(body, 'data', 'status');
    return { deliveryId: status ? joinedKey(key, status) : key, eventName };
  },
};

function verifyToken({ request, secrets, now }: Check): Match | Refusal {
  const token = bearerJwt(request, 'HS256');
  if ('kind' in token) return token;
  const matched = matchSecret(
    secrets,
    (secret) => {
      const expected = hmac('sha256', secret, token.signedText);
      return token.signature.length === expected.length && timingSafeEqual(token.signature, expected);
    },
    refuse('signature_mismatch', 'the token is not signed with this secret: is it the jwt_key of this instance?'),
  );
  if (matched.kind === 'refused') return matched;
  const { app, action } = token.claims;
  if (app !== 'evolution') return refuse('token_claim', `the token's app is ${quoted(app)}, not "evolution"`);
  if (action !== 'webhook') return refuse('token_claim', `the token's action is ${quoted(action)}, not "webhook"`);
  return checkTokenTimes(token.claims, now) ?? matched;
}
