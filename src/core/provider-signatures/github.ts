import { checkHmac } from './hmac-schemes.js';
import { type Provider, USUAL } from './provider.js';
import { headerIfAny } from './request.js';

/**
 * GitHub: `sha256=` + hex HMAC of the body (provider sheet §1, official documentation).
 * The older SHA-1 header X-Hub-Signature is sent beside it and never looked at.
 */
export const github: Provider = {
  ...USUAL,
  title: 'GitHub',
  secret: {
    kind: 'hmac-key',
    madeBy: 'you',
    about: 'The secret field of the webhook in GitHub (repository, organisation or app settings).',
  },

  verify: (check) =>
    checkHmac(
      check,
      { header: 'x-hub-signature-256', hash: 'sha256', encoding: 'hex', prefix: 'sha256=' },
      check.request.rawBody,
    ),

  // The delivery id stays the same when somebody presses "redeliver".
  identify: ({ request }) => ({
    deliveryId: headerIfAny(request, 'x-github-delivery'),
    eventName: headerIfAny(request, 'x-github-event'),
  }),
};
