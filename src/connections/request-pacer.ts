/** So many requests in such a time: a provider's published limit. */
export interface RequestLimit {
  requests: number;
  perMs: number;
}

/**
 * Spreads the requests of one connection so that its provider's limit is kept, and remembers when the provider asked for a rest.
 * Each process keeps the limit by itself; what several together exceed is answered with 429, and then all of them rest.
 * Times are of the monotonic clock: they order requests of this process and mean nothing elsewhere.
 */
export class RequestPacer {
  private readonly starts: number[] = [];
  private restUntilMs = 0;

  constructor(
    private readonly limit: RequestLimit | null,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {}

  /** @returns how long to wait before the request; when that is longer than `patienceMs`, no turn is taken */
  takeTurn(patienceMs: number): { waitMs: number; taken: boolean } {
    const nowMs = this.monotonicMs();
    const { limit, starts } = this;
    const full = limit !== null && starts.length >= limit.requests;
    const startMs = Math.max(nowMs, this.restUntilMs, full ? (starts[0] as number) + limit.perMs : 0);
    const waitMs = startMs - nowMs;
    if (waitMs > patienceMs) return { waitMs, taken: false };
    if (limit) {
      if (full) starts.shift();
      starts.push(startMs);
    }
    return { waitMs, taken: true };
  }

  rest(forMs: number): void {
    this.restUntilMs = Math.max(this.restUntilMs, this.monotonicMs() + forMs);
  }
}
