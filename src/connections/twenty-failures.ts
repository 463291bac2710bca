import type { ProviderFailure } from './provider-error.js';

interface GraphQlError {
  message?: string;
  extensions?: { code?: string; subCode?: string };
}

/** Twenty's codes in `errors[].extensions.code`; GraphQL answers 200 whatever it refuses. */
const CODES: Record<string, ProviderFailure> = {
  UNAUTHENTICATED: 'unauthenticated',
  FORBIDDEN: 'forbidden',
  PERMISSION_DENIED: 'forbidden',
  NOT_FOUND: 'not_found',
  CONFLICT: 'conflict',
  BAD_USER_INPUT: 'invalid',
  GRAPHQL_VALIDATION_FAILED: 'invalid',
  GRAPHQL_PARSE_FAILED: 'invalid',
  TOO_MANY_REQUESTS: 'rate_limited',
  LIMIT_REACHED: 'rate_limited',
  TIMEOUT: 'unavailable',
  INTERNAL_SERVER_ERROR: 'unavailable',
};

/**
 * What is wrong although Twenty answered. The rate limit and a value that is taken have no code of their own in older versions, and
 * REST answers 400 to both: there the words decide.
 */
export function failureInGraphQl(body: unknown, status: number): ProviderFailure | null {
  const { errors, messages } = (body ?? {}) as { errors?: GraphQlError[]; messages?: string[] };
  const [first] = Array.isArray(errors) ? errors : [];
  const words = [first?.message, ...(Array.isArray(messages) ? messages : [])].join(' ');
  if (first === undefined && status < 400) return null;
  if (/limit reached|too many requests/i.test(words)) return 'rate_limited';
  if (/duplicate (entry|key)|already (exists|in use)|unique constraint/i.test(words)) return 'conflict';
  if (first === undefined) return null;
  const code = first.extensions?.code ?? first.extensions?.subCode ?? '';
  return CODES[code] ?? (/permission/i.test(words) ? 'forbidden' : 'invalid');
}
