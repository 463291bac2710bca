import { joinedKey, jsonBody, textAt } from './body-fields.js';
import { checkTimestampedHmac } from './hmac-schemes.js';
import { type Check, type Identity, type Provider, USUAL } from './provider.js';
import { headerIfAny } from './request.js';
import { ACCEPT_LEGACY, TOLERANCE_300_S } from './settings.js';

const SIGNATURE = 'x-twenty-webhook-signature';

/**
 * Twenty CRM: `{timestamp}:{body}`, hex without a prefix, time in milliseconds (provider sheet §1, read in its source).
 * The MedFlow guide allows a `sha256=` or `sha1=` prefix and does not name the unit of the time.
 */
export const twenty: Provider = {
  ...USUAL,
  title: 'Twenty CRM',
  secret: {
    kind: 'hmac-key',
    madeBy: 'you',
    about: 'The secret of the webhook in Twenty (Settings, API & Webhooks). Twenty makes one when you give none.',
  },
  settings: [TOLERANCE_300_S, ACCEPT_LEGACY],
  legacyForms: ['the digest after "sha256=" or "sha1="', 'the timestamp in seconds'],

  verify(check) {
    const legacy = check.settings.flag('acceptLegacySignatures');
    const [, prefix = ''] = (legacy && /^(sha256=|sha1=)/i.exec(headerIfAny(check.request, SIGNATURE) ?? '')) || [];
    const hash = prefix.toLowerCase() === 'sha1=' ? 'sha1' : 'sha256';
    return checkTimestampedHmac(
      check,
      { header: SIGNATURE, hash, encoding: 'hex', prefix },
      {
        header: 'x-twenty-webhook-timestamp',
        unit: legacy ? 'either' : 'ms',
        lead: (timestamp) => `${timestamp}:`,
      },
    );
  },

  // The nonce header is not signed, so a replay could carry another one: the key is made of what is signed. eventDate is
  // part of it because two changes of one record may share updatedAt, and a change taken for a duplicate would be lost.
  identify({ request }: Check): Identity {
    const body = jsonBody(request);
    const eventName = textAt(body, 'eventName');
    const record = joinedKey(
      textAt(body, 'record', 'id'),
      textAt(body, 'record', 'updatedAt'),
      textAt(body, 'eventDate'),
    );
    return { deliveryId: joinedKey(textAt(body, 'webhookId'), eventName, record), eventName };
  },
};
