import { findProvider } from './providers.js';
import { Settings } from './settings.js';

export const REDACTED = '[redacted]';

const SECRET_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'apikey', 'jwt_key']);
const SECRET_WORD = /(^|[-_])(token|secret|password|passwd|api[-_]?key|access[-_]key)($|[-_])/;

/**
 * Headers fit to be stored and shown: the value of each header that is a credential by itself is replaced, `Bearer` and
 * `Basic` stay readable. Signatures stay: they prove one body and are what an owner compares (provider sheet, rule 11).
 *
 * @param provider and settings of the source, whose own secret header may have any name
 */
export function redactHeaders<T extends string | string[] | undefined>(
  headers: Readonly<Record<string, T>>,
  provider?: string,
  settings?: unknown,
): Record<string, T> {
  const own = provider ? ownSecretHeader(provider, settings) : undefined;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      isSecret(name.toLowerCase(), own) ? (hide(value) as T) : value,
    ]),
  );
}

function isSecret(name: string, own: string | undefined): boolean {
  if (name === own || SECRET_HEADERS.has(name)) return true;
  // Twilio's idempotency token is a delivery id.
  return SECRET_WORD.test(name) && !name.includes('idempotency');
}

function ownSecretHeader(provider: string, settings: unknown): string | undefined {
  const known = findProvider(provider);
  if (!known || known.secret.kind === 'hmac-key') return undefined;
  return new Settings(known.settings, settings).text('header')?.toLowerCase();
}

function hide(value: string | string[] | undefined): string | string[] | undefined {
  if (Array.isArray(value)) return value.map((one) => hide(one) as string);
  if (typeof value !== 'string') return value;
  const [, scheme] = /^(Bearer|Basic|Digest|Token) /i.exec(value) ?? [];
  return scheme ? `${scheme} ${REDACTED}` : REDACTED;
}

const MAX_DEPTH = 100;

/** A copy of a JSON body with the provider's secret and personal members replaced, at any depth (provider sheet, rule 11). */
export function redactBody(provider: string, body: unknown): unknown {
  const fields = new Set<string>(findProvider(provider)?.sensitiveFields ?? []);
  return fields.size === 0 ? body : hideMembers(body, fields, 0);
}

function hideMembers(value: unknown, fields: ReadonlySet<string>, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return REDACTED;
  if (Array.isArray(value)) return value.map((one) => hideMembers(one, fields, depth + 1));
  const shown = Object.entries(value).map(([name, member]) => {
    const hidden = fields.has(name) && member !== null && member !== undefined;
    return [name, hidden ? REDACTED : hideMembers(member, fields, depth + 1)] as const;
  });
  return Object.fromEntries(shown);
}
