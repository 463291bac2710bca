import { joinedKey } from './body-fields.js';
import { checkHmac } from './hmac-schemes.js';
import { type Provider, USUAL } from './provider.js';
import { headerIfAny } from './request.js';

/** Shopify: base64 HMAC-SHA256 of the body (provider sheet §1, official SDK). Its time header is information only. */
export const shopify: Provider = {
  ...USUAL,
  title: 'Shopify',
  secret: {
    kind: 'hmac-key',
    madeBy: 'provider',
    about:
      'The client secret of the app (for webhooks made in the shop admin: the secret shown under Settings, Notifications, Webhooks).',
  },

  verify: (check) =>
    checkHmac(
      check,
      { header: 'x-shopify-hmac-sha256', hash: 'sha256', encoding: 'base64', prefix: '' },
      check.request.rawBody,
    ),

  // One change may cause several webhooks, which share the event id: it is a key only together with the topic.
  identify({ request }) {
    const topic = headerIfAny(request, 'x-shopify-topic');
    const webhookId = headerIfAny(request, 'x-shopify-webhook-id');
    return { deliveryId: webhookId ?? joinedKey(headerIfAny(request, 'x-shopify-event-id'), topic), eventName: topic };
  },
};
