import { joinedKey, jsonBody, textAt } from './body-fields.js';
import { checkHmacText, checkSignatureList } from './hmac-schemes.js';
import { type Provider, USUAL } from './provider.js';
import { headerOnce } from './request.js';
import { ACCEPT_LEGACY, type SettingSpec, TOLERANCE_300_S } from './settings.js';

const SIGNATURE = 'calendly-webhook-signature';

/** Calendly recommends three minutes. */
const TOLERANCE_180_S = { ...TOLERANCE_300_S, default: 180 } as SettingSpec;

/**
 * Calendly: `t=…,v1=…` over `{t}.{body}`, time in seconds (provider sheet §1).
 * The Calendly guide prints a bare hex HMAC of the body instead.
 */
export const calendly: Provider = {
  ...USUAL,
  title: 'Calendly',
  secret: {
    kind: 'hmac-key',
    madeBy: 'you',
    about:
      "The signing_key given when the webhook subscription is created through Calendly's API; it is never shown again.",
  },
  settings: [TOLERANCE_180_S, ACCEPT_LEGACY],
  legacyForms: ['bare hex HMAC-SHA256 of the body alone'],

  verify(check) {
    const { request, settings } = check;
    const value = headerOnce(request, SIGNATURE);
    if (typeof value !== 'string') return value;
    if (settings.flag('acceptLegacySignatures') && /^[0-9a-f]{64}$/i.test(value)) {
      return checkHmacText(
        check,
        value,
        { header: SIGNATURE, hash: 'sha256', encoding: 'hex', prefix: '' },
        request.rawBody,
      );
    }
    return checkSignatureList(check, { header: SIGNATURE, value, time: 't', unit: 's' }, (t) => [
      [`${t}.`, request.rawBody],
    ]);
  },

  identify({ request }) {
    const body = jsonBody(request);
    const eventName = textAt(body, 'event');
    return { deliveryId: joinedKey(eventName, textAt(body, 'payload', 'uri'), textAt(body, 'created_at')), eventName };
  },
};
