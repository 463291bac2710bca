import { sameSecret } from '../secret.js';
import { jsonBody, textAt } from './body-fields.js';
import { GENERIC_IDENTITY, identifyGenerically } from './generic-identity.js';
import { type Check, type Provider, USUAL } from './provider.js';
import { headerOnce } from './request.js';
import { type Match, matchSecret, type Refusal, refuse } from './verdict.js';

/** A header whose value is the secret itself, after an optional fixed text such as `Bearer `. */
export function checkStaticHeader(check: Check, name: string, prefix: string): Match | Refusal {
  const header = name.toLowerCase();
  const value = headerOnce(check.request, header);
  if (typeof value !== 'string') return value;
  // Node reads header bytes as Latin-1; a secret with other letters was sent as UTF-8.
  const bytes = Buffer.from(value, 'latin1');
  return matchSecret(
    check.secrets,
    (secret) => sameSecret(bytes, Buffer.from(prefix + secret, 'utf8')),
    refuse('token_mismatch', `header ${header} does not hold the secret of this source`),
  );
}

/** Asaas: a token of yours in a header; the body is not covered (provider sheet §1). */
export const asaas: Provider = {
  ...USUAL,
  title: 'Asaas',
  secret: { kind: 'token', madeBy: 'you', about: 'The authToken of the webhook in Asaas.' },
  bodySigned: false,
  keepDeliveryIdsDays: 14,
  verify: (check) => checkStaticHeader(check, 'asaas-access-token', ''),
  identify({ request }) {
    const body = jsonBody(request);
    return { deliveryId: textAt(body, 'id'), eventName: textAt(body, 'event') };
  },
};

const ANY_METHOD = ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'];

export const staticHeader: Provider = {
  ...USUAL,
  title: 'Static header',
  methods: ANY_METHOD,
  secret: { kind: 'token', madeBy: 'you', about: 'The value the sender puts into the header.' },
  settings: [
    { name: 'header', kind: 'header', default: 'X-Webhook-Token', about: 'The header that carries the secret.' },
    {
      name: 'prefix',
      kind: 'text',
      default: '',
      about: 'Fixed text before the secret, for instance "Bearer " with the header Authorization.',
    },
    ...GENERIC_IDENTITY,
  ],
  bodySigned: false,
  verify: (check) => checkStaticHeader(check, check.settings.text('header')!, check.settings.text('prefix') ?? ''),
  identify: identifyGenerically,
};

/** Takes everything: the unguessable URL is the only protection. */
export const none: Provider = {
  ...USUAL,
  title: 'No verification',
  methods: ANY_METHOD,
  secret: { kind: 'none', madeBy: 'nobody', about: 'Nothing is checked: whoever knows the URL can post.' },
  settings: GENERIC_IDENTITY,
  bodySigned: false,
  verify: () => ({ kind: 'unsigned' }),
  identify: identifyGenerically,
};
