import { type Refusal, refuse } from './verdict.js';

/** An inbound request as it is verified: raw bytes, nothing parsed but the query. */
export interface ProviderRequest {
  method: string;
  /** The full URL as the provider saw it (scheme, host, path, query): Twilio and HubSpot sign it. */
  url: string;
  path: string;
  query: Readonly<Record<string, string | string[] | undefined>>;
  /** Names in lower case. An array is a header that was sent more than once. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  rawBody: Buffer;
  remoteAddress?: string;
}

/**
 * `rawHeaders` is Node's `IncomingMessage.rawHeaders` (name, value, name, value …). Its `headers` will not do: it joins
 * repeated headers with a comma or drops all but the first, and a signature header that is sent twice must be refused.
 */
export function providerRequest(seen: {
  method: string;
  url: string;
  rawHeaders: readonly string[];
  rawBody: Buffer;
  remoteAddress?: string;
}): ProviderRequest {
  const { rawHeaders, ...rest } = seen;
  const headers: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.push([rawHeaders[i]!.toLowerCase(), rawHeaders[i + 1]!]);
  const [location = '', queryText = ''] = splitOnce(seen.url.replace(/#.*$/s, ''), '?');
  const path = location.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '') || '/';
  return { ...rest, path, query: collect(new URLSearchParams(queryText)), headers: collect(headers) };
}

/** The one value of a header, or why it cannot be used. */
export function headerOnce(request: ProviderRequest, name: string): string | Refusal {
  const values = valuesOf(request.headers, name.toLowerCase());
  if (values.length > 1) return refuse('header_repeated', `header ${name.toLowerCase()} is sent more than once`);
  return values[0] ?? refuse('header_missing', `no header ${name.toLowerCase()}`);
}

/** The header's value when it is there exactly once and not empty; for headers that prove nothing, such as delivery ids. */
export function headerIfAny(request: ProviderRequest, name: string): string | undefined {
  const values = valuesOf(request.headers, name.toLowerCase());
  return values.length === 1 && values[0] !== '' ? values[0] : undefined;
}

export function hasHeader(request: ProviderRequest, name: string): boolean {
  return valuesOf(request.headers, name.toLowerCase()).length > 0;
}

/** The one value of a query parameter, undefined when absent, or a refusal when it is there more than once. */
export function queryOnce(request: ProviderRequest, name: string): string | undefined | Refusal {
  const values = valuesOf(request.query, name);
  return values.length > 1 ? refuse('query_repeated', `query parameter ${name} is sent more than once`) : values[0];
}

/** Splits at the first occurrence: one or two parts. */
export function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

/**
 * The URL to verify against, when the owner has said which one was pasted at the provider (`publicUrl`).
 * The query stays the one of this request: what a provider adds to it is signed, and so is what somebody else adds.
 */
export function urlAsConfigured(request: ProviderRequest, publicUrl: string | undefined): string {
  if (!publicUrl) return request.url;
  const [, query] = splitOnce(request.url, '?');
  return query === undefined ? publicUrl : `${splitOnce(publicUrl, '?')[0]}?${query}`;
}

function valuesOf(source: Readonly<Record<string, string | string[] | undefined>>, name: string): string[] {
  const value = Object.hasOwn(source, name) ? source[name] : undefined;
  return (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string');
}

// Without a prototype: a header or parameter called __proto__ is a name like any other.
function collect(pairs: Iterable<[string, string]>): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of pairs) {
    const before = all[name];
    if (before === undefined) all[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else all[name] = [before, value];
  }
  return all;
}
