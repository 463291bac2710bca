/** What kind of refusal or failure it was: decides what may help. */
export type ProviderFailure =
  /** The credentials are wrong, expired or revoked. */
  | 'unauthenticated'
  /** The credentials are good but lack a permission, or the plan lacks the feature. */
  | 'forbidden'
  | 'not_found'
  /** It exists already (an e-mail that is taken, a URL that is registered). */
  | 'conflict'
  /** The provider did not take what was sent. */
  | 'invalid'
  /** It asked for a rest longer than we wait within one call; `retryAfterMs` says how long. */
  | 'rate_limited'
  /** No usable answer: time-out, refused connection, 5xx. */
  | 'unavailable'
  /** It answered, but not as this provider's API does: is the base URL right? */
  | 'not_this_api'
  /** The address policy does not let us connect there. */
  | 'blocked';

const PASSING: ReadonlySet<ProviderFailure> = new Set(['rate_limited', 'unavailable']);

/** A call to a provider's API that did not succeed. The message says in plain words what was tried and what came of it; it holds no secret. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  /** What the provider answered; null when there was no answer. */
  readonly status: number | null;
  readonly retryAfterMs: number | null;

  constructor(
    readonly failure: ProviderFailure,
    message: string,
    more: { status?: number | null; retryAfterMs?: number | null } = {},
  ) {
    super(message);
    this.status = more.status ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
  }

  /** Whether the same call may succeed later, unchanged. */
  get isPassing(): boolean {
    return PASSING.has(this.failure);
  }
}

/** `null` instead of the provider's "there is no such thing"; every other failure stays one. */
export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ProviderError && error.failure === 'not_found') return null;
    throw error;
  }
}
