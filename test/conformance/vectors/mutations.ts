import type { SignatureCase } from './to-request.js';

/** A valid case with one thing changed that its scheme protects: it must be refused. */
export interface Mutation {
  what: 'body' | 'header' | 'query' | 'url' | 'method' | 'time' | 'secret';
  detail: string;
  mutated: SignatureCase;
}

type Random = () => number;

/** mulberry32: the same numbers for the same seed, so that a failure can be run again. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** What each scheme signs, written down from the provider sheet and not from the code under test. */
interface Scheme {
  body?: true;
  headers: string[];
  /** Query parameters that are signed, or the whole URL. */
  query?: string[];
  url?: true;
  method?: true;
  /** Seconds to add to or take from the time of the request until it must be refused. */
  tooLate?: number;
  tooEarly?: number;
  settings?: string[];
}

const SCHEMES: Record<string, Scheme> = {
  twenty: {
    body: true,
    headers: ['X-Twenty-Webhook-Timestamp', 'X-Twenty-Webhook-Signature'],
    tooLate: 302,
    tooEarly: 302,
  },
  chatwoot: { body: true, headers: ['X-Chatwoot-Timestamp', 'X-Chatwoot-Signature'], tooLate: 301, tooEarly: 303 },
  calcom: { body: true, headers: ['X-Cal-Signature-256'] },
  calendly: { body: true, headers: ['Calendly-Webhook-Signature'], tooLate: 181, tooEarly: 186 },
  stripe: { body: true, headers: ['Stripe-Signature'], tooLate: 301, tooEarly: 311 },
  github: { body: true, headers: ['X-Hub-Signature-256'] },
  shopify: { body: true, headers: ['X-Shopify-Hmac-Sha256'] },
  slack: { body: true, headers: ['X-Slack-Request-Timestamp', 'X-Slack-Signature'], tooLate: 301, tooEarly: 302 },
  typeform: { body: true, headers: ['Typeform-Signature'] },
  standardwebhooks: {
    body: true,
    headers: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    tooLate: 301,
    tooEarly: 331,
  },
  svix: { body: true, headers: ['svix-id', 'svix-timestamp', 'svix-signature'], tooLate: 301, tooEarly: 331 },
  twilio: { body: true, headers: ['X-Twilio-Signature'], url: true },
  'hubspot v1': { body: true, headers: ['X-HubSpot-Signature', 'X-HubSpot-Signature-Version'] },
  'hubspot v3': {
    body: true,
    headers: ['X-HubSpot-Signature-v3', 'X-HubSpot-Request-Timestamp'],
    url: true,
    method: true,
    tooLate: 301,
    tooEarly: 302,
  },
  'meta POST': { body: true, headers: ['X-Hub-Signature-256'] },
  'meta GET': { headers: [], query: ['hub.mode', 'hub.verify_token'], settings: ['verifyToken'] },
  mercadopago: { headers: ['x-request-id', 'x-signature'], query: ['data.id'], tooLate: 301, tooEarly: 302 },
  'evolution token': { headers: ['Authorization'], tooLate: 600, tooEarly: 306 },
  'evolution header': { headers: ['X-Evo-Token'] },
  'google-pubsub': {
    headers: ['Authorization'],
    tooLate: 3600,
    tooEarly: 311,
    settings: ['audience', 'serviceAccountEmail'],
  },
  asaas: { headers: ['asaas-access-token'] },
  'generic-hmac': { body: true, headers: ['X-Webhook-Signature'] },
  'generic-hmac with time': { body: true, headers: ['X-Timestamp', 'X-Signature'], tooLate: 301, tooEarly: 311 },
};

function schemeOf(valid: SignatureCase): Scheme {
  const sends = (header: string) => valid.headers.some(([name]) => name === header);
  const names: Record<string, string> = {
    hubspot: sends('X-HubSpot-Signature-v3') ? 'hubspot v3' : 'hubspot v1',
    meta: `meta ${valid.method}`,
    evolution: sends('Authorization') ? 'evolution token' : 'evolution header',
    'generic-hmac': sends('X-Timestamp') ? 'generic-hmac with time' : 'generic-hmac',
  };
  return SCHEMES[names[valid.provider] ?? valid.provider]!;
}

/** `rounds` random changes of each kind the scheme protects against, and each plain one (absent, sent twice, too old …) once. */
export function mutationsOf(valid: SignatureCase, random: Random, rounds: number): Mutation[] {
  const scheme = schemeOf(valid);
  const found: Mutation[] = [];
  const add = (what: Mutation['what'], detail: string, change: Partial<SignatureCase>) =>
    found.push({ what, detail, mutated: { ...valid, ...change } });

  for (let round = 0; round < rounds; round++) {
    if (scheme.body) {
      const body = mutatedBody(valid, random);
      add('body', body.toString('latin1').slice(0, 200), { body });
    }
    for (const header of scheme.headers) {
      const headers = withHeader(valid, header, (value) => [mutatedHeader(value, random)]);
      add('header', `${header}: ${headers.find(([name]) => name === header)?.[1]}`, { headers });
    }
    for (const name of scheme.query ?? []) {
      const url = valid.url.replace(new RegExp(`(?<=[?&]${name}=)[^&]+`), (value) => mutatedText(value, random));
      add('query', url, { url });
    }
    if (scheme.url) {
      const url = mutatedUrl(valid.url, random);
      add(url.split('?')[0] === valid.url.split('?')[0] ? 'query' : 'url', url, { url });
    }
    if (valid.secrets.length > 0 && valid.method !== 'GET') {
      const [secret = ''] = valid.secrets;
      add('secret', 'another secret', { secrets: [mutatedText(secret, random)] });
    }
    for (const name of scheme.settings ?? []) {
      const value = mutatedText(String(valid.settings[name]), random);
      add('secret', `${name} = ${value}`, { settings: { ...valid.settings, [name]: value } });
    }
  }
  for (const header of scheme.headers) {
    add('header', `no ${header}`, { headers: withHeader(valid, header, () => []) });
    add('header', `empty ${header}`, { headers: withHeader(valid, header, () => ['']) });
    add('header', `${header} twice`, { headers: withHeader(valid, header, (value) => [value, value]) });
  }
  for (const name of scheme.query ?? []) {
    add('query', `no ${name}`, { url: valid.url.replace(new RegExp(`(?<=[?&])${name}=[^&]*&?`), '') });
    add('query', `${name} twice`, { url: valid.url.replace(new RegExp(`[?&](${name}=[^&]*)`), '$&&$1') });
  }
  if (scheme.method) add('method', 'GET', { method: 'GET' });
  if (scheme.body) add('body', 'no body', { body: Buffer.alloc(0) });
  for (const seconds of [scheme.tooLate, scheme.tooEarly && -scheme.tooEarly]) {
    if (seconds) add('time', `${seconds} s later`, { now: new Date(valid.now.getTime() + seconds * 1000) });
  }
  // The version header of HubSpot may be absent, it then means v1; that is the one plain change that is none.
  return found.filter(({ detail }) => detail !== 'no X-HubSpot-Signature-Version');
}

function mutatedBody(valid: SignatureCase, random: Random): Buffer {
  for (;;) {
    const body = changedBytes(valid.body, random);
    // Twilio signs the fields of a form, not the way they are written down: "%2b" for "%2B" changes nothing.
    const isForm = valid.provider === 'twilio' && !valid.url.includes('bodySHA256');
    if (!isForm || fieldsOf(body) !== fieldsOf(valid.body)) return body;
  }
}

function fieldsOf(form: Buffer): string {
  return JSON.stringify([...new URLSearchParams(form.toString('utf8'))].sort());
}

function changedBytes(bytes: Buffer, random: Random): Buffer {
  const at = Math.floor(random() * bytes.length);
  const byte = Buffer.from([Math.floor(random() * 256)]);
  switch (Math.floor(random() * 5)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), byte, bytes.subarray(at)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    case 2:
      return Buffer.concat([bytes, byte]);
    default: {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 1 << Math.floor(random() * 8);
      return flipped;
    }
  }
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** One letter or digit becomes another one: never only upper for lower case, which hex digests and ids may forgive. */
function mutatedText(text: string, random: Random): string {
  const places = [...text.matchAll(/[A-Za-z0-9]/g)].map((match) => match.index);
  const at = places[Math.floor(random() * places.length)]!;
  const others = LETTERS.replace(text[at]!.toLowerCase(), '');
  return text.slice(0, at) + others[Math.floor(random() * others.length)]! + text.slice(at + 1);
}

/**
 * Changes one character of the value. Where it holds several signatures, each of them: one that matches is enough, so a
 * change in another proves nothing. A digit of a time stays a digit, so that the signature and not the tolerance must notice.
 */
function mutatedHeader(value: string, random: Random): string {
  if (/^\d+$/.test(value)) return mutatedNumber(value, random);
  const time = /(?<=\bts?=)\d+/;
  if (time.test(value) && random() < 0.3) return value.replace(time, (number) => mutatedNumber(number, random));
  const digests = /(?<=v1[=,])[^\s,]+/g;
  return digests.test(value) ? value.replace(digests, (one) => mutatedText(one, random)) : mutatedText(value, random);
}

function mutatedNumber(value: string, random: Random): string {
  const last = Number(value.at(-1));
  return value.slice(0, -1) + String((last + 1 + Math.floor(random() * 9)) % 10);
}

function mutatedUrl(url: string, random: Random): string {
  const scheme = /^https?:\/\//.exec(url)![0];
  return scheme + mutatedText(url.slice(scheme.length), random);
}

function withHeader(valid: SignatureCase, header: string, change: (value: string) => string[]): [string, string][] {
  return valid.headers.flatMap(([name, value]) =>
    name === header ? change(value).map((one): [string, string] => [name, one]) : [[name, value] as [string, string]],
  );
}
