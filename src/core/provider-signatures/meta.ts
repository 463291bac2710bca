import { sameSecret } from '../secret.js';
import { batchKey, batchName, joinedKey, jsonBody, listAt, textAt } from './body-fields.js';
import { checkHmac } from './hmac-schemes.js';
import { type Check, type Provider, USUAL } from './provider.js';
import { queryOnce } from './request.js';
import { type Handshake, type Refusal, refuse } from './verdict.js';

/**
 * Meta and the WhatsApp Cloud API: `sha256=` + hex HMAC of the raw body, whose JSON is escaped in Meta's own way, so that
 * it must not be serialised again. GET requests are Meta's check of the URL (provider sheet §1).
 */
export const meta: Provider = {
  ...USUAL,
  title: 'Meta / WhatsApp Cloud API',
  methods: ['POST', 'GET'],
  secret: { kind: 'hmac-key', madeBy: 'provider', about: 'The app secret (App settings, Basic).' },
  settings: [
    {
      name: 'verifyToken',
      kind: 'text',
      sensitive: true,
      about:
        "Any text of yours, pasted beside the URL in the app's webhook settings: Meta sends it back to prove that it is you who set the URL up.",
    },
  ],
  keepDeliveryIdsDays: 7,

  verify: (check) =>
    checkHmac(
      check,
      { header: 'x-hub-signature-256', hash: 'sha256', encoding: 'hex', prefix: 'sha256=' },
      check.request.rawBody,
    ),

  openHandshake: (check) => (check.request.method === 'GET' ? answerChallenge(check) : null),

  identify({ request }) {
    const changes = listAt(jsonBody(request), 'entry').flatMap((entry) => listAt(entry, 'changes'));
    const keys = changes.flatMap((change) => {
      const messages = listAt(change, 'value', 'messages').map((message) => textAt(message, 'id'));
      const statuses = listAt(change, 'value', 'statuses').map((one) =>
        joinedKey(textAt(one, 'id'), textAt(one, 'status')),
      );
      const both = [...messages, ...statuses];
      // A change of another kind has no id: then the whole batch has none.
      return both.length > 0 ? both : [undefined];
    });
    return { deliveryId: batchKey(keys), eventName: batchName(changes.map((change) => textAt(change, 'field'))) };
  },
};

function answerChallenge({ request, settings }: Check): Handshake | Refusal {
  const [mode, token, challenge] = ['hub.mode', 'hub.verify_token', 'hub.challenge'].map((name) =>
    queryOnce(request, name),
  );
  const expected = settings.text('verifyToken');
  if (mode !== 'subscribe')
    return refuse('handshake_refused', "a GET request without hub.mode=subscribe is not Meta's check of the URL");
  if (!expected)
    return refuse('handshake_refused', 'this source has no verifyToken: set the one that is pasted at Meta');
  if (typeof token !== 'string' || !sameSecret(token, expected)) {
    return refuse('handshake_refused', 'hub.verify_token is not the verifyToken of this source');
  }
  // It is sent back as it came: only what cannot be markup.
  if (typeof challenge !== 'string' || !/^[\w.~-]{1,256}$/.test(challenge)) {
    return refuse('handshake_refused', 'hub.challenge is missing or has characters that Meta does not use');
  }
  return { kind: 'handshake', status: 200, contentType: 'text/plain', body: challenge };
}
