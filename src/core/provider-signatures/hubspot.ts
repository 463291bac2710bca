import { batchKey, batchName, joinedKey, jsonBody, textAt } from './body-fields.js';
import { digest, digestProblem, equalsBase64, equalsHex, hmac } from './digests.js';
import { type Check, type Provider, USUAL } from './provider.js';
import { hasHeader, headerOnce, urlAsConfigured } from './request.js';
import { PUBLIC_URL, TOLERANCE_300_S } from './settings.js';
import { checkTimestamp } from './timestamp.js';
import { type Match, matchSecret, quoted, type Refusal, refuse } from './verdict.js';

const V3 = 'x-hubspot-signature-v3';
const V3_TIME = 'x-hubspot-request-timestamp';
const OLD = 'x-hubspot-signature';

/**
 * HubSpot v3: base64 HMAC-SHA256 of `METHOD + URL + body + timestamp`, time in milliseconds; v2 and v1: plain SHA-256 with
 * the secret in front, no time. Where the v3 header is present it decides alone (provider sheet §1, official SDK).
 */
export const hubspot: Provider = {
  ...USUAL,
  title: 'HubSpot',
  methods: ['POST', 'GET'],
  secret: { kind: 'hmac-key', madeBy: 'provider', about: 'The client secret of the HubSpot app (Auth tab).' },
  settings: [
    TOLERANCE_300_S,
    PUBLIC_URL,
    {
      name: 'requireV3',
      kind: 'flag',
      default: false,
      about: 'Refuse the older signatures v1 and v2, which carry no time and so do not stop a replay.',
    },
  ],

  verify(check) {
    if (hasHeader(check.request, V3)) return verifyV3(check);
    if (check.settings.flag('requireV3')) return refuse('header_missing', `no header ${V3}`);
    return verifyPlainHash(check);
  },

  // A body is an array of up to 100 events; eventId alone is not unique.
  identify({ request }) {
    const body = jsonBody(request);
    const events = Array.isArray(body) ? body : [body];
    const key = (event: unknown) =>
      joinedKey(
        textAt(event, 'portalId'),
        textAt(event, 'subscriptionId'),
        textAt(event, 'eventId'),
        textAt(event, 'occurredAt'),
      );
    return {
      deliveryId: batchKey(events.map(key)),
      eventName: batchName(events.map((event) => textAt(event, 'subscriptionType'))),
    };
  },
};

function verifyV3(check: Check): Match | Refusal {
  const { request, settings, secrets, now } = check;
  const signature = headerOnce(request, V3);
  if (typeof signature !== 'string') return signature;
  const time = headerOnce(request, V3_TIME);
  if (typeof time !== 'string') return time;
  const outdated = checkTimestamp(time, 'ms', settings.seconds('toleranceSeconds'), now);
  if (outdated) return outdated;
  const problem = digestProblem(signature, 'sha256', 'base64');
  if (problem) return refuse('signature_malformed', `header ${V3} is ${problem}`);
  const url = urlAsConfigured(request, settings.text('publicUrl'));
  const urls = [...new Set([decodeSome(url), url])];
  return matchSecret(secrets, (secret) =>
    urls.some((one) => equalsBase64(signature, hmac('sha256', secret, request.method, one, request.rawBody, time))),
  );
}

function verifyPlainHash({ request, settings, secrets }: Check): Match | Refusal {
  const signature = headerOnce(request, OLD);
  if (typeof signature !== 'string')
    return signature.reason === 'header_missing' ? refuse('header_missing', `no header ${V3} or ${OLD}`) : signature;
  const version = hasHeader(request, `${OLD}-version`) ? headerOnce(request, `${OLD}-version`) : 'v1';
  if (typeof version !== 'string') return version;
  if (version !== 'v1' && version !== 'v2')
    return refuse('version_not_supported', `signature version ${quoted(version)} is not v1, v2 or v3`);
  const problem = digestProblem(signature, 'sha256', 'hex');
  if (problem) return refuse('signature_malformed', `header ${OLD} is ${problem}`);
  // SHA-256(secret + text) can be extended by somebody who has seen one signature but not the secret. The extension
  // begins with the hash's padding, which no JSON text can hold: a body that is JSON was not extended.
  if (request.rawBody.length > 0 && jsonBody(request) === undefined)
    return refuse('body_not_json', 'the body is not JSON');
  const target = version === 'v1' ? '' : request.method + urlAsConfigured(request, settings.text('publicUrl'));
  return matchSecret(secrets, (secret) => equalsHex(signature, digest('sha256', secret, target, request.rawBody)));
}

/** HubSpot signs the URL with these characters decoded and everything else as it is sent. */
function decodeSome(url: string): string {
  return url.replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, (escaped) =>
    String.fromCharCode(Number.parseInt(escaped.slice(1), 16)),
  );
}
