import { joinedKey, jsonBody, textAt } from './body-fields.js';
import { checkSignatureList } from './hmac-schemes.js';
import { type Provider, USUAL } from './provider.js';
import { hasHeader, headerIfAny, headerOnce, queryOnce } from './request.js';
import { ALLOW_UNSIGNED, TOLERANCE_300_S } from './settings.js';

const SIGNATURE = 'x-signature';
const REQUEST_ID = 'x-request-id';

/**
 * Mercado Pago: hex HMAC-SHA256 of `id:{data.id};request-id:{x-request-id};ts:{ts};`, where `data.id` comes from the query
 * and absent parts are left out. The id is signed in lower case by older rules and as it is by newer ones: both are tried.
 * The time was seen in seconds and in milliseconds. The body is not covered (provider sheet §1, official SDK).
 */
export const mercadopago: Provider = {
  ...USUAL,
  title: 'Mercado Pago',
  secret: {
    kind: 'hmac-key',
    madeBy: 'provider',
    about: "The secret signature of the app's webhooks (Your integrations, Webhooks).",
  },
  settings: [TOLERANCE_300_S, ALLOW_UNSIGNED],
  bodySigned: false,

  verify(check) {
    const { request } = check;
    const value = headerOnce(request, SIGNATURE);
    if (typeof value !== 'string') return value;
    const id = queryOnce(request, 'data.id');
    if (typeof id === 'object') return id;
    const requestId = hasHeader(request, REQUEST_ID) ? headerOnce(request, REQUEST_ID) : undefined;
    if (typeof requestId === 'object') return requestId;
    const ids = id ? [...new Set([id, id.toLowerCase()])].map((one) => `id:${one};`) : [''];
    const middle = requestId ? `request-id:${requestId};` : '';
    return checkSignatureList(check, { header: SIGNATURE, value, time: 'ts', unit: 'either' }, (ts) =>
      ids.map((one) => [`${one}${middle}ts:${ts};`]),
    );
  },

  // x-request-id first: it is signed, the body's id is not, and a forged body must not pass for somebody else's delivery.
  identify({ request }) {
    const body = jsonBody(request);
    const eventName = textAt(body, 'action') ?? textAt(body, 'type');
    const fromBody = textAt(body, 'id') ?? joinedKey(textAt(body, 'data', 'id'), eventName);
    return { deliveryId: headerIfAny(request, REQUEST_ID) ?? fromBody, eventName };
  },
};
