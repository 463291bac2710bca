import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { jsonBody, textAt } from './body-fields.js';
import { equalsBase64, hmac } from './digests.js';
import { type Check, type Provider, USUAL } from './provider.js';
import { headerIfAny, headerOnce } from './request.js';
import { TOLERANCE_300_S } from './settings.js';
import { checkTimestamp } from './timestamp.js';
import { type Match, matchSecret, type Refusal, refuse } from './verdict.js';

/** Standard Webhooks 1.0.0 and Svix: the same scheme under two sets of header names (provider sheet §1, the specification). */
export const standardwebhooks = scheme('webhook', 'Standard Webhooks');
export const svix = scheme('svix', 'Svix');

function scheme(family: 'webhook' | 'svix', title: string): Provider {
  return {
    ...USUAL,
    title,
    secret: {
      kind: 'hmac-key',
      madeBy: 'provider',
      about:
        "The endpoint's secret (whsec_ and base64, the prefix may be missing), or its public key (whpk_ and base64).",
    },
    settings: [TOLERANCE_300_S],
    verify: (check) => verifyEntries(check, family),
    identify: ({ request }) => ({
      deliveryId: headerIfAny(request, `${family}-id`),
      eventName: textAt(jsonBody(request), 'type'),
    }),
  };
}

// More than any rotation needs; bounds the work (ed25519 is slow) that a made-up header can cause.
const MAX_ENTRIES = 20;

function verifyEntries(check: Check, family: string): Match | Refusal {
  const { request, settings, now } = check;
  const id = headerOnce(request, `${family}-id`);
  if (typeof id !== 'string') return id;
  if (id === '') return refuse('header_missing', `header ${family}-id is empty`);
  const timestamp = headerOnce(request, `${family}-timestamp`);
  if (typeof timestamp !== 'string') return timestamp;
  const list = headerOnce(request, `${family}-signature`);
  if (typeof list !== 'string') return list;
  // A proxy may have joined two headers to one: that is a signature header sent twice.
  if (list.includes(', ')) return refuse('header_repeated', `header ${family}-signature is sent more than once`);

  const outdated = checkTimestamp(timestamp, 's', settings.seconds('toleranceSeconds'), now);
  if (outdated) return outdated;
  const entries = list.split(' ', MAX_ENTRIES);
  const known = entries.filter((entry) => /^v1a?,/.test(entry));
  if (known.length === 0)
    return refuse('signature_malformed', `header ${family}-signature has no entry of version v1 or v1a`);
  if (!check.secrets.some((secret) => keyOf(secret))) {
    return refuse('secret_unusable', 'the secret is not base64 after "whsec_" (or, for a public key, "whpk_")');
  }
  const lead = `${id}.${timestamp}.`;
  return matchSecret(check.secrets, (secret) => {
    const key = keyOf(secret);
    return key !== null && known.some((entry) => entryMatches(entry, key, lead, request.rawBody));
  });
}

type Key = { kind: 'hmac'; keys: Buffer[] } | { kind: 'ed25519'; key: KeyObject };

// A public key never checks `v1`: otherwise anybody who knows it could use it as an HMAC secret.
function entryMatches(entry: string, key: Key, lead: string, body: Buffer): boolean {
  if (key.kind === 'hmac') {
    if (!entry.startsWith('v1,')) return false;
    return key.keys.some((one) => equalsBase64(entry.slice('v1,'.length), hmac('sha256', one, lead, body)));
  }
  if (!entry.startsWith('v1a,')) return false;
  const signature = strictBase64(entry.slice('v1a,'.length));
  return signature !== null && verify(null, Buffer.concat([Buffer.from(lead), body]), key.key, signature);
}

function keyOf(secret: string): Key | null {
  if (secret.startsWith('whpk_')) return publicKeyOf(secret.slice('whpk_'.length));
  if (secret.startsWith('whsec_')) {
    const decoded = strictBase64(secret.slice('whsec_'.length));
    return decoded && { kind: 'hmac', keys: [decoded] };
  }
  // Without the prefix the text is base64 all the same; but some senders, as ours, use a secret of one's own as it is.
  const decoded = strictBase64(secret);
  const asText = Buffer.from(secret, 'utf8');
  return { kind: 'hmac', keys: decoded ? [decoded, asText] : [asText] };
}

function publicKeyOf(text: string): Key | null {
  const bytes = strictBase64(text);
  if (bytes?.length !== 32) return null;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') };
  try {
    return { kind: 'ed25519', key: createPublicKey({ key: jwk, format: 'jwk' }) };
  } catch {
    return null;
  }
}

function strictBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64');
  const unpadded = (one: string) => one.replace(/=+$/, '');
  return bytes.length > 0 && unpadded(bytes.toString('base64')) === unpadded(text) ? bytes : null;
}
