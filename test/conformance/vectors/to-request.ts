import { type ProviderRequest, providerRequest } from '../../../src/core/provider-signatures/request.js';
import vectors from './provider-signatures.json' with { type: 'json' };

/** One published or computed example of a provider's request, right or wrong, and the time at which it is checked. */
export interface SignatureVector {
  id: string;
  provider: string;
  scheme: string;
  method: string;
  url?: string;
  /** An array is a header that is sent several times. */
  headers: Record<string, string | string[]>;
  secret: string;
  /** Its UTF-8 bytes are what is sent. */
  body: string;
  /** Unix seconds. */
  now: number;
  valid: boolean;
  config?: Record<string, unknown>;
  /** What a handshake has to be answered with. */
  expect?: { status: number; body?: string; bodyContains?: string; contentType?: string };
  reason: string;
  source: string;
}

export const signatureVectors = vectors as unknown as SignatureVector[];

/** A source to create and a request to send to it: for verification in process, and for the same over HTTP. */
export interface SignatureCase {
  provider: string;
  secrets: string[];
  settings: Record<string, unknown>;
  method: string;
  /** The URL pasted at the provider. Over HTTP only its query is sent: see settingsOverHttp. */
  url: string;
  headers: [name: string, value: string][];
  body: Buffer;
  now: Date;
}

export function toCase(vector: SignatureVector): SignatureCase {
  return {
    provider: vector.provider,
    ...secretsAndSettings(vector),
    method: vector.method,
    url: vector.url ?? `https://hooks.example.com/in/abc/${vector.provider}`,
    headers: Object.entries(vector.headers).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, one]),
    ),
    body: Buffer.from(vector.body, 'utf8'),
    now: new Date(vector.now * 1000),
  };
}

// A vector has one `secret`, whatever proves a request: for Google that is everything a source is configured with, for
// Meta's check of the URL it is the verify token.
function secretsAndSettings(vector: SignatureVector): Pick<SignatureCase, 'secrets' | 'settings'> {
  if (vector.provider === 'google-pubsub') return { secrets: [], settings: JSON.parse(vector.secret) };
  if (vector.provider === 'meta' && vector.method === 'GET') {
    return { secrets: ['made-up-app-secret'], settings: { verifyToken: vector.secret } };
  }
  return { secrets: [vector.secret], settings: vector.config ?? {} };
}

export function toRequest(one: SignatureCase): ProviderRequest {
  return providerRequest({
    method: one.method,
    url: one.url,
    rawHeaders: one.headers.flat(),
    rawBody: one.body,
    remoteAddress: '203.0.113.7',
  });
}

/**
 * The settings of a source that gets the case's request under its own URL: providers that sign the URL must know which
 * one was pasted. Append `queryOf` to the source's URL when sending.
 */
export function settingsOverHttp(one: SignatureCase): Record<string, unknown> {
  const signsUrl = one.provider === 'twilio' || one.provider === 'hubspot';
  return signsUrl ? { ...one.settings, publicUrl: one.url.split('?')[0] } : one.settings;
}

/** The query with its question mark, byte for byte as it was signed, or nothing. */
export function queryOf(one: SignatureCase): string {
  const at = one.url.indexOf('?');
  return at < 0 ? '' : one.url.slice(at);
}
