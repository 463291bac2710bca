import { jsonBody, textAt } from './body-fields.js';
import { checkSignatureList } from './hmac-schemes.js';
import { type Provider, USUAL } from './provider.js';
import { headerOnce } from './request.js';
import { TOLERANCE_300_S } from './settings.js';

const SIGNATURE = 'stripe-signature';

/**
 * Stripe: `t=…,v1=…[,v1=…]` over `{t}.{body}`, time in seconds, the whole `whsec_…` text as key (it is not decoded).
 * `v0` is a test scheme and does not count (provider sheet §1, official SDK).
 */
export const stripe: Provider = {
  ...USUAL,
  title: 'Stripe',
  secret: {
    kind: 'hmac-key',
    madeBy: 'provider',
    about:
      'The signing secret of the endpoint in Stripe (Developers, Webhooks): the whole text that starts with whsec_.',
  },
  settings: [TOLERANCE_300_S],

  verify(check) {
    const value = headerOnce(check.request, SIGNATURE);
    if (typeof value !== 'string') return value;
    return checkSignatureList(check, { header: SIGNATURE, value, time: 't', unit: 's' }, (t) => [
      [`${t}.`, check.request.rawBody],
    ]);
  },

  identify({ request }) {
    const body = jsonBody(request);
    return { deliveryId: textAt(body, 'id'), eventName: textAt(body, 'type') };
  },
};
