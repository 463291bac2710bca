import { joinedKey, jsonBody, textAt } from './body-fields.js';
import { checkHmacText, checkPrefixedHmac } from './hmac-schemes.js';
import { type Provider, USUAL } from './provider.js';
import { headerOnce } from './request.js';
import { ACCEPT_LEGACY, ALLOW_UNSIGNED } from './settings.js';
import { refuse } from './verdict.js';

const SIGNATURE = 'x-cal-signature-256';

/**
 * Cal.com: bare hex HMAC-SHA256 of the body, no timestamp (provider sheet §1, read in its source).
 * The MedFlow guide prints `sha256=<hex>` and `sha1=<hex>`.
 */
export const calcom: Provider = {
  ...USUAL,
  title: 'Cal.com',
  secret: {
    kind: 'hmac-key',
    madeBy: 'you',
    about: 'The secret field of the webhook in Cal.com (Settings, Developer, Webhooks).',
  },
  settings: [ACCEPT_LEGACY, ALLOW_UNSIGNED],
  legacyForms: ['the digest after "sha256="', 'HMAC-SHA1 after "sha1="'],

  verify(check) {
    const { request, settings } = check;
    const value = headerOnce(request, SIGNATURE);
    if (typeof value !== 'string') return value;
    if (value === 'no-secret-provided') {
      return refuse(
        'signature_malformed',
        'the webhook has no secret at Cal.com ("no-secret-provided"): set the same secret there',
      );
    }
    const legacy = settings.flag('acceptLegacySignatures')
      ? checkPrefixedHmac(check, SIGNATURE, value, request.rawBody)
      : null;
    return (
      legacy ??
      checkHmacText(check, value, { header: SIGNATURE, hash: 'sha256', encoding: 'hex', prefix: '' }, request.rawBody)
    );
  },

  // MEETING_STARTED and MEETING_ENDED are flat: the booking's columns stand at the top, without `payload`.
  identify({ request }) {
    const body = jsonBody(request);
    const eventName = textAt(body, 'triggerEvent');
    const booking = textAt(body, 'payload', 'uid') ?? textAt(body, 'payload', 'bookingUid') ?? textAt(body, 'uid');
    return { deliveryId: joinedKey(eventName, booking, textAt(body, 'createdAt')), eventName };
  },
};
