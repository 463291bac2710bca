import { REDACTED, redactBody, redactHeaders } from '../core/provider-signatures/redact.js';
import type { ProviderRequest } from '../core/provider-signatures/request.js';
import type { NewRefusal } from './source.store.js';
import type { KnownSource } from './source-directory.js';

const EXCERPT_CHARACTERS = 2048;
/** A longer body is not parsed only to be shown in part. */
const PARSED_BYTES = 64 * 1024;
const MAX_HEADER_CHARACTERS = 16 * 1024;
const SECRET_PARAMETER = /token|secret|password|key|signature|sig$/i;

/** A refused request as its owner may see it: no credential, no secret member of the body, and not much of anything. */
export function refusalRow(
  source: KnownSource,
  request: ProviderRequest,
  refusal: { reason: string; status: number; message: string },
  now: Date,
): NewRefusal {
  const headers = JSON.stringify(redactHeaders(request.headers, source.provider, source.settings));
  return {
    tenantId: source.tenantId,
    sourceId: source.id,
    refusedAt: now,
    reason: refusal.reason,
    message: refusal.message,
    status: refusal.status,
    method: request.method,
    path: pathAfterToken(request),
    headers: headers.length > MAX_HEADER_CHARACTERS ? '{}' : headers,
    bodyExcerpt: excerpt(source.provider, request.rawBody),
    bodyBytes: request.rawBody.length,
    remoteAddress: request.remoteAddress ?? null,
  };
}

function pathAfterToken(request: ProviderRequest): string {
  const path = request.path.replace(/^\/in\/[^/]+/, '');
  const query = new URLSearchParams(request.url.split('?', 2)[1] ?? '');
  const shown = [...query].map(([name, value]) => `${name}=${SECRET_PARAMETER.test(name) ? REDACTED : value}`);
  return clean(shown.length > 0 ? `${path}?${shown.join('&')}` : path);
}

function excerpt(provider: string, body: Buffer): string {
  const text = body.subarray(0, PARSED_BYTES).toString('utf8');
  try {
    if (body.length <= PARSED_BYTES) return clean(JSON.stringify(redactBody(provider, JSON.parse(text))));
  } catch {
    // No JSON, or nested too deep to be written again.
  }
  return clean(text);
}

/** What a text column holds, and not more of it than is shown. */
function clean(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').slice(0, EXCERPT_CHARACTERS);
}
