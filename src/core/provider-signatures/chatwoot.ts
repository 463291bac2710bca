import { jsonBody, textAt } from './body-fields.js';
import { checkPrefixedHmac, checkTimestampedHmac } from './hmac-schemes.js';
import { type Provider, USUAL } from './provider.js';
import { hasHeader, headerIfAny, headerOnce } from './request.js';
import { ACCEPT_LEGACY, ALLOW_UNSIGNED, TOLERANCE_300_S } from './settings.js';
import { refuse } from './verdict.js';

const SIGNATURE = 'x-chatwoot-signature';
const TIMESTAMP = 'x-chatwoot-timestamp';

/**
 * Chatwoot from 4.11.2 on: `sha256=` + hex over `{timestamp}.{body}`, time in seconds (provider sheet §1).
 * The MedFlow guide implies an HMAC of the body alone; Chatwoot never sends that, so it counts only where the setting
 * says so and only without a timestamp header.
 */
export const chatwoot: Provider = {
  ...USUAL,
  title: 'Chatwoot',
  secret: {
    kind: 'hmac-key',
    madeBy: 'provider',
    about: 'Chatwoot makes it when the URL is registered there, and shows it on the webhook; paste it here afterwards.',
  },
  settings: [TOLERANCE_300_S, ACCEPT_LEGACY, ALLOW_UNSIGNED],
  legacyForms: ['HMAC of the body alone without a timestamp header: "sha256=" hex, "sha1=" hex or bare SHA-256 hex'],
  // The token opens the contact's own conversation channel.
  sensitiveFields: ['pubsub_token'],

  verify(check) {
    const { request, settings } = check;
    if (settings.flag('acceptLegacySignatures') && !hasHeader(request, TIMESTAMP)) {
      const value = headerOnce(request, SIGNATURE);
      if (typeof value !== 'string') return value;
      const verdict = checkPrefixedHmac(check, SIGNATURE, value, request.rawBody);
      return verdict ?? refuse('signature_malformed', `header ${SIGNATURE} is not a hexadecimal HMAC`);
    }
    return checkTimestampedHmac(
      check,
      { header: SIGNATURE, hash: 'sha256', encoding: 'hex', prefix: 'sha256=' },
      { header: TIMESTAMP, unit: 's', lead: (timestamp) => `${timestamp}.` },
    );
  },

  identify: ({ request }) => ({
    deliveryId: headerIfAny(request, 'x-chatwoot-delivery'),
    eventName: textAt(jsonBody(request), 'event'),
  }),
};
