import { jsonBody, textAt } from './body-fields.js';
import { checkHmac } from './hmac-schemes.js';
import { type Provider, USUAL } from './provider.js';

/** Typeform: `sha256=` + base64 HMAC-SHA256 of the body (provider sheet §1, official documentation). */
export const typeform: Provider = {
  ...USUAL,
  title: 'Typeform',
  secret: {
    kind: 'hmac-key',
    madeBy: 'you',
    about: 'The secret of the webhook in Typeform (Connect, Webhooks, Edit).',
  },
  // Hidden fields carry what the page that linked to the form knew about the visitor.
  sensitiveFields: ['hidden'],

  verify: (check) =>
    checkHmac(
      check,
      { header: 'typeform-signature', hash: 'sha256', encoding: 'base64', prefix: 'sha256=' },
      check.request.rawBody,
    ),

  identify({ request }) {
    const body = jsonBody(request);
    return { deliveryId: textAt(body, 'event_id'), eventName: textAt(body, 'event_type') };
  },
};
