import { formBody, joinedKey } from './body-fields.js';
import { digest, digestProblem, equalsBase64, equalsHex, hmac } from './digests.js';
import { type Provider, USUAL } from './provider.js';
import { headerIfAny, headerOnce, splitOnce, urlAsConfigured } from './request.js';
import { PUBLIC_URL } from './settings.js';
import { matchSecret, refuse } from './verdict.js';

const SIGNATURE = 'x-twilio-signature';

/**
 * Twilio: base64 HMAC-SHA1 of the URL followed by the form's fields, sorted by name, name and value without separators.
 * For other bodies the URL carries `bodySHA256`, and the URL alone is signed (provider sheet §1, official SDK).
 */
export const twilio: Provider = {
  ...USUAL,
  title: 'Twilio (SMS, WhatsApp, voice)',
  methods: ['POST', 'GET'],
  secret: {
    kind: 'hmac-key',
    madeBy: 'provider',
    about: 'The auth token of the Twilio account (Console, Account Info).',
  },
  settings: [PUBLIC_URL],
  acknowledgement: { contentType: 'text/xml', body: '<Response/>' },

  verify({ request, secrets, settings }) {
    const signature = headerOnce(request, SIGNATURE);
    if (typeof signature !== 'string') return signature;
    const problem = digestProblem(signature, 'sha1', 'base64');
    if (problem) return refuse('signature_malformed', `header ${SIGNATURE} is ${problem}`);

    const url = urlAsConfigured(request, settings.text('publicUrl'));
    const bodyHashes = new URLSearchParams(splitOnce(url, '?')[1] ?? '').getAll('bodySHA256');
    if (bodyHashes.length > 0) {
      const [bodyHash] = bodyHashes;
      const isBody = bodyHashes.length === 1 && equalsHex(bodyHash!, digest('sha256', request.rawBody));
      if (!isBody) return refuse('body_mismatch', 'the body is not the one whose SHA-256 is in the query (bodySHA256)');
    }
    // Without bodySHA256 the body is always taken as a form, whatever its content type says: then no byte goes unsigned.
    // Names and values are signed without a separator, so "ab" would verify where "a=b" was signed; Twilio always sends "=".
    const isForm = bodyHashes.length === 0;
    if (isForm && /(^|&)[^=&]+(&|$)/.test(request.rawBody.toString('latin1'))) {
      return refuse('body_mismatch', 'the body is not a form: a field has no "="');
    }
    const fields = isForm ? signedFields(formBody(request)) : '';
    const urls = urlForms(url);
    return matchSecret(
      secrets,
      (secret) => urls.some((one) => equalsBase64(signature, hmac('sha1', secret, one, fields))),
      refuse(
        'signature_mismatch',
        'signature does not match: is the secret the auth token of this account, and the URL at Twilio exactly the one of this source?',
      ),
    );
  },

  identify({ request }) {
    const form = request.method === 'GET' ? new URLSearchParams(splitOnce(request.url, '?')[1]) : formBody(request);
    const message = form.get('MessageSid') ?? form.get('SmsMessageSid') ?? undefined;
    const status = form.get('MessageStatus') ?? form.get('SmsStatus') ?? undefined;
    const callStatus = form.get('CallStatus');
    const fallback = joinedKey(message, status ?? 'received');
    const kind = message ? `message.${status ?? 'received'}` : callStatus ? `call.${callStatus}` : undefined;
    return { deliveryId: headerIfAny(request, 'i-twilio-idempotency-token') ?? fallback, eventName: kind };
  },
};

function signedFields(form: URLSearchParams): string {
  const values = new Map<string, Set<string>>();
  for (const [name, value] of form) values.set(name, (values.get(name) ?? new Set()).add(value));
  // Sorted by code unit, as JavaScript's own order is. A value that is repeated under one name counts once.
  return [...values.keys()]
    .sort()
    .map((name) =>
      [...values.get(name)!]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('');
}

/** Twilio signs with or without the port, and at times with the query encoded in an older way: all of these are tried. */
function urlForms(url: string): string[] {
  const [, scheme, authority, port, rest] = /^(https?:\/\/)([^/?#]*?)(:\d+)?([/?#].*)?$/is.exec(url) ?? [];
  if (scheme === undefined) return [url];
  const standardPort = scheme.toLowerCase() === 'https://' ? ':443' : ':80';
  const forms = [
    url,
    `${scheme}${authority}${rest ?? ''}`,
    `${scheme}${authority}${port ?? standardPort}${rest ?? ''}`,
  ];
  return [...new Set([...forms, ...forms.map(withQueryEncodedAnew)])];
}

function withQueryEncodedAnew(url: string): string {
  const [location, query] = splitOnce(url, '?');
  if (!query) return url;
  const pairs = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) pairs.set(name, [...(pairs.get(name) ?? []), value]);
  const encoded = [...pairs].flatMap(([name, values]) =>
    values.map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
  );
  return `${location}?${encoded.join('&')}`;
}
