import { digestProblem, type Encoding, equalsDigest, type HashName, hmac } from './digests.js';
import type { Check } from './provider.js';
import { headerOnce } from './request.js';
import { checkTimestamp, type TimestampUnit } from './timestamp.js';
import { type Match, matchSecret, type Refusal, refuse } from './verdict.js';

/** How a digest is written in its header. */
export interface SignatureForm {
  header: string;
  hash: HashName;
  encoding: Encoding;
  /** Text before the digest, such as `sha256=`; compared exactly. */
  prefix: string;
}

/** Compares the signature in the header with an HMAC over `parts`, for each active secret. */
export function checkHmac(check: Check, form: SignatureForm, ...parts: (string | Buffer)[]): Match | Refusal {
  const value = headerOnce(check.request, form.header);
  return typeof value === 'string' ? checkHmacText(check, value, form, ...parts) : value;
}

export function checkHmacText(
  check: Check,
  value: string,
  form: SignatureForm,
  ...parts: (string | Buffer)[]
): Match | Refusal {
  if (!value.startsWith(form.prefix)) {
    return refuse('signature_malformed', `header ${form.header} does not start with "${form.prefix}"`);
  }
  const text = value.slice(form.prefix.length);
  const problem = digestProblem(text, form.hash, form.encoding);
  if (problem) {
    const after = form.prefix ? ` after "${form.prefix}"` : '';
    return refuse('signature_malformed', `header ${form.header} is ${problem}${after}`);
  }
  return matchSecret(check.secrets, (secret) => equalsDigest(text, hmac(form.hash, secret, ...parts), form.encoding));
}

/** Schemes that sign a timestamp from a header together with the body. `lead` makes the text that comes before the body. */
export function checkTimestampedHmac(
  check: Check,
  form: SignatureForm,
  timestamp: { header: string; unit: TimestampUnit; lead: (timestamp: string) => string },
): Match | Refusal {
  const signature = headerOnce(check.request, form.header);
  if (typeof signature !== 'string') return signature;
  const time = headerOnce(check.request, timestamp.header);
  if (typeof time !== 'string') return time;
  const { settings, now, request } = check;
  return (
    checkTimestamp(time, timestamp.unit, settings.seconds('toleranceSeconds'), now) ??
    checkHmacText(check, signature, form, timestamp.lead(time), request.rawBody)
  );
}

/**
 * The forms the MedFlow guide prints: `sha256=<hex>`, `sha1=<hex>` or bare SHA-256 hex, over the given text.
 * Returns null when the value has none of them.
 */
export function checkPrefixedHmac(
  check: Check,
  header: string,
  value: string,
  ...parts: (string | Buffer)[]
): Match | Refusal | null {
  const [, prefix = '', digits] = /^(sha256=|sha1=)?([0-9a-f]+)$/i.exec(value) ?? [];
  if (digits === undefined) return null;
  const hash = prefix.toLowerCase() === 'sha1=' ? 'sha1' : 'sha256';
  return checkHmacText(check, value, { header, hash, encoding: 'hex', prefix }, ...parts);
}

/** A header such as `t=1700000000,v1=…,v1=…`: components in any order, blanks allowed, names may repeat. */
export function signatureList(value: string): Map<string, string[]> {
  const list = new Map<string, string[]>();
  for (const component of value.split(',')) {
    const at = component.indexOf('=');
    if (at < 0) continue;
    const name = component.slice(0, at).trim();
    list.set(name, [...(list.get(name) ?? []), component.slice(at + 1).trim()].slice(0, MAX_ENTRIES));
  }
  return list;
}

// More than any rotation needs; bounds the work a made-up header can cause.
const MAX_ENTRIES = 20;

/**
 * Schemes with one header that holds the time and one or more signatures (Stripe, Calendly, Mercado Pago).
 * Only `v1` counts: other versions are skipped, never accepted instead. Any matching `v1` passes.
 */
export function checkSignatureList(
  check: Check,
  scheme: { header: string; value: string; time: string; unit: TimestampUnit },
  signedTexts: (timestamp: string) => (string | Buffer)[][],
): Match | Refusal {
  const list = signatureList(scheme.value);
  const times = list.get(scheme.time) ?? [];
  const signatures = list.get('v1') ?? [];
  const time = times[0];
  if (time === undefined) return refuse('timestamp_malformed', `header ${scheme.header} has no ${scheme.time}=`);
  if (times.length > 1)
    return refuse('signature_malformed', `header ${scheme.header} has more than one ${scheme.time}=`);
  if (signatures.length === 0) return refuse('signature_malformed', `header ${scheme.header} has no v1= signature`);
  const outdated = checkTimestamp(time, scheme.unit, check.settings.seconds('toleranceSeconds'), check.now);
  if (outdated) return outdated;
  const texts = signedTexts(time);
  return matchSecret(check.secrets, (secret) =>
    texts
      .map((parts) => hmac('sha256', secret, ...parts))
      .some((expected) => signatures.some((signature) => equalsDigest(signature, expected, 'hex'))),
  );
}
