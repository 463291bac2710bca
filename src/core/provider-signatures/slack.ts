import { formBody, jsonBody, textAt } from './body-fields.js';
import { checkTimestampedHmac } from './hmac-schemes.js';
import { type Identity, type Provider, USUAL } from './provider.js';
import type { ProviderRequest } from './request.js';
import { TOLERANCE_300_S } from './settings.js';

/** Slack: `v0=` + hex over `v0:{timestamp}:{body}`, time in seconds (provider sheet §1, official SDK). */
export const slack: Provider = {
  ...USUAL,
  title: 'Slack',
  secret: {
    kind: 'hmac-key',
    madeBy: 'provider',
    about: 'The signing secret of the Slack app (Basic Information, App Credentials).',
  },
  settings: [TOLERANCE_300_S],
  // A slash command shows what the answer's body says to the person who typed it.
  acknowledgement: { contentType: 'text/plain; charset=utf-8', body: '' },
  sensitiveFields: ['token'],

  verify: (check) =>
    checkTimestampedHmac(
      check,
      { header: 'x-slack-signature', hash: 'sha256', encoding: 'hex', prefix: 'v0=' },
      { header: 'x-slack-request-timestamp', unit: 's', lead: (timestamp) => `v0:${timestamp}:` },
    ),

  signedHandshake({ request }) {
    if (!request.rawBody.includes('url_verification')) return null;
    const body = jsonBody(request);
    const challenge = textAt(body, 'challenge');
    if (textAt(body, 'type') !== 'url_verification' || challenge === undefined) return null;
    return { kind: 'handshake', status: 200, contentType: 'application/json', body: JSON.stringify({ challenge }) };
  },

  identify({ request }) {
    const body = jsonBody(request);
    if (body === undefined) return identifyForm(request);
    const type = textAt(body, 'type');
    const eventName = type === 'event_callback' ? textAt(body, 'event', 'type') : type;
    return { deliveryId: textAt(body, 'event_id'), eventName };
  },
};

// Slash commands are plain forms; buttons, menus and shortcuts a form whose `payload` is JSON.
function identifyForm(request: ProviderRequest): Identity {
  const form = formBody(request);
  const payload = form.get('payload');
  if (payload === null)
    return {
      deliveryId: form.get('trigger_id') ?? undefined,
      eventName: form.has('command') ? 'slash_command' : undefined,
    };
  try {
    const body: unknown = JSON.parse(payload);
    return { deliveryId: textAt(body, 'trigger_id'), eventName: textAt(body, 'type') };
  } catch {
    return {};
  }
}
