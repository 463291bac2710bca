/** Where a problem lies: an RFC 6901 pointer into the request body (or `?name`, `header name`), and what to do about it. */
export interface FieldError {
  pointer: string;
  detail: string;
}

/** code → HTTP status, title, and what to do about it. The one catalogue of refusals; docs/errors.md is written from it. */
export const ERRORS = {
  unparsable_body: {
    status: 400,
    title: 'The body is not valid JSON',
    help: 'Send one well-formed JSON value.',
  },
  unauthenticated: {
    status: 401,
    title: 'No valid credential',
    help: 'Send `Authorization: Bearer <session token or API key>` or `X-API-Key: <key>`. `detail` tells a missing credential from one that is unknown, expired or revoked.',
  },
  invalid_login: {
    status: 401,
    title: 'E-mail or password is wrong',
    help: 'Check both. A member of several tenants whose password fits more than one is asked to name the `tenant`.',
  },
  admin_id_mismatch: {
    status: 401,
    title: 'X-Admin-ID does not name the holder of the credential',
    help: 'Send your member id or e-mail (with a session), the id or public id of the key (with an API key), or leave the header out.',
  },
  inbound_refused: {
    status: 401,
    title: 'The request could not be verified',
    help: '`detail` says what did not verify. Mostly the secret of the source is another one than the sender signs with, or something on the way changed the body.',
  },
  missing_scope: {
    status: 403,
    title: 'The credential lacks a scope',
    help: 'Use a key with the scope that `detail` names, or a member whose role has it.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    help: 'No scope helps here: `detail` says who may do it, or what to do instead.',
  },
  address_not_allowed: {
    status: 403,
    title: 'Requests from this address are not allowed',
    help: "Add the address to the tenant's `inboundIpAllowlist`; behind a proxy, start the server with `TRUST_PROXY=true`.",
  },
  not_found: {
    status: 404,
    title: 'Not found',
    help: 'Check the id, and that the credential is of the tenant that owns it: what another tenant owns is not found either.',
  },
  route_not_found: {
    status: 404,
    title: 'No such route',
    help: 'Check path and method against `/docs`.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The route does not take this method',
    help: 'Check the method against `/docs`.',
  },
  conflict: {
    status: 409,
    title: 'Conflicts with what exists',
    help: '`detail` names what is in the way: a name or e-mail that is taken, the last owner of a tenant, a key that was rotated already, a booking that is over, a QR code that was validated.',
  },
  idempotency_in_progress: {
    status: 409,
    title: 'A request with this Idempotency-Key is still running',
    help: 'Wait as long as `Retry-After` says, then send the same request again.',
  },
  gone: {
    status: 410,
    title: 'It was here and is no longer kept',
    help: '`detail` says until when it was kept. Ask for it anew.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    help: 'Send less at once: `POST /api/v1/events/batch` takes up to 1,000 events within the limit. The operator sets it with `BODY_LIMIT_BYTES`.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The content type is not supported',
    help: 'Send `Content-Type: application/json`.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'The file does not have the bytes asked for',
    help: '`Content-Range` says how long the file is. A download that is complete has nothing left to resume.',
  },
  invalid_request: {
    status: 422,
    title: 'The request is not valid',
    help: '`errors` lists every wrong field with a pointer and what is expected. Unknown fields are refused too: check the spelling.',
  },
  body_not_json: { status: 422, title: 'The body is not JSON', help: 'Send JSON, in UTF-8.' },
  invalid_event_data: {
    status: 422,
    title: "The data does not fit the event type's schema",
    help: '`errors` points at what does not fit. `GET /api/v1/event-types/{name}` shows the schema, `/{name}/sample` an event that fits.',
  },
  unknown_event_type: {
    status: 422,
    title: 'The event type is not in the catalog',
    help: 'Add the type with `POST /api/v1/event-types`, or switch off `strictEventTypes` of the tenant.',
  },
  target_not_allowed: {
    status: 422,
    title: 'The target URL is not allowed',
    help: 'Give a public `http` or `https` address without credentials. The operator can allow private networks with `ALLOW_PRIVATE_TARGETS` and ports of other services with `ALLOW_TARGET_PORTS`.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The Idempotency-Key was used with another request',
    help: 'Take a new key for a new request; to repeat one, send exactly the same path and body.',
  },
  delivery_not_retryable: {
    status: 422,
    title: 'The delivery cannot be retried',
    help: '`detail` says why: enable the subscription first, or replay the event when the delivery was cancelled.',
  },
  delivery_not_cancellable: {
    status: 422,
    title: 'The delivery cannot be cancelled',
    help: 'Only a pending delivery can be: what has succeeded or failed has nothing left to stop.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    help: "Wait as long as `Retry-After` says. Logins are always limited; requests only when the tenant's `rateLimits` are set.",
  },
  too_many_exports: {
    status: 429,
    title: 'Too many exports at once',
    help: 'Wait as long as `Retry-After` says, or ask for a file: `POST /api/v1/exports` waits for its turn. The operator sets how many with `EXPORTS_AT_ONCE`.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong on our side',
    help: 'Try again with the same `Idempotency-Key`. When it stays, give the operator the `requestId`: it is in the log.',
  },
  provider_failed: {
    status: 502,
    title: 'The provider did not do it',
    help: "`detail` says what the provider answered and what may help; `POST /api/v1/connections/{id}/check` says what the connection's credentials can do. Try again when the provider was only unreachable or busy.",
  },
  unavailable: {
    status: 503,
    title: 'Not ready',
    help: 'Try again in a moment: the server is starting or its database does not answer.',
  },
} as const satisfies Record<string, { status: number; title: string; help: string }>;

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
