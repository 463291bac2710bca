/** Where a problem lies: an RFC 6901 pointer into the request body (or `?name`, `header name`), and what to do about it. */
export interface FieldError {
  pointer: string;
  detail: string;
}

/** code → HTTP status and title. The one catalogue of refusals; docs/errors.md is written from it. */
export const ERRORS = {
  unparsable_body: { status: 400, title: 'The body is not valid JSON' },
  unauthenticated: { status: 401, title: 'No valid credential' },
  invalid_login: { status: 401, title: 'E-mail or password is wrong' },
  admin_id_mismatch: { status: 401, title: 'X-Admin-ID does not name the holder of the credential' },
  missing_scope: { status: 403, title: 'The credential lacks a scope' },
  forbidden: { status: 403, title: 'Not allowed' },
  address_not_allowed: { status: 403, title: 'Requests from this address are not allowed' },
  not_found: { status: 404, title: 'Not found' },
  route_not_found: { status: 404, title: 'No such route' },
  method_not_allowed: { status: 405, title: 'The route does not take this method' },
  conflict: { status: 409, title: 'Already exists' },
  idempotency_in_progress: { status: 409, title: 'A request with this Idempotency-Key is still running' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  invalid_request: { status: 422, title: 'The request is not valid' },
  invalid_event_data: { status: 422, title: "The data does not fit the event type's schema" },
  unknown_event_type: { status: 422, title: 'The event type is not in the catalog' },
  target_not_allowed: { status: 422, title: 'The target URL is not allowed' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key was used with another request' },
  delivery_not_retryable: { status: 422, title: 'The delivery cannot be retried' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'Not ready' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  /** What was wrong, with which value, and what to do. */
  detail?: string;
  errors?: FieldError[];
  headers?: Record<string, string>;
}

/** A refusal. The one filter (http/problem.filter.ts) turns it into problem+json. */
export class AppError extends Error {
  readonly status: number;

  constructor(
    readonly code: ErrorCode,
    readonly details: ErrorDetails = {},
  ) {
    super(details.detail ?? ERRORS[code].title);
    this.name = 'AppError';
    this.status = ERRORS[code].status;
  }
}

/** The row does not exist, or belongs to another tenant: the answer is the same. */
export function notFound(kind: string, id: string): AppError {
  return new AppError('not_found', { detail: `There is no ${kind} with the id "${id}" in this tenant.` });
}

/** One field of a request is wrong. `pointer` is an RFC 6901 pointer such as `/url`. */
export function invalidField(pointer: string, detail: string, code: ErrorCode = 'invalid_request'): AppError {
  return new AppError(code, { detail, errors: [{ pointer, detail }] });
}
