import { Injectable } from '@nestjs/common';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../core/errors.js';
import { HotPool } from '../database/hot-pool.js';

/** So many requests in a window of time. */
export interface RateLimit {
  /** Names the limit in the answer's headers and in the table: `login`. */
  name: string;
  requests: number;
  windowS: number;
}

/** Limits that hold over all processes together: they count in Postgres (table `rate_limits`). */
@Injectable()
export class RateLimiter {
  private readonly limiters = new Map<string, RateLimiterPostgres>();

  constructor(private readonly hot: HotPool) {}

  /**
   * Counts one request for `key`. Windows are the library's and run by the real time, not by our clock.
   * @throws AppError rate_limited, with Retry-After and the RateLimit headers
   */
  async consume(limit: RateLimit, key: string, detail: string): Promise<void> {
    try {
      await this.limiter(limit).consume(key);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      const resetS = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
      throw new AppError('rate_limited', {
        detail: `${detail} Try again in ${resetS} s.`,
        headers: {
          'retry-after': String(resetS),
          // draft-ietf-httpapi-ratelimit-headers-10
          'ratelimit-policy': `"${limit.name}";q=${limit.requests};w=${limit.windowS}`,
          ratelimit: `"${limit.name}";r=0;t=${resetS}`,
        },
      });
    }
  }

  /** Forgets what was counted for `key`. */
  async reset(limit: RateLimit, key: string): Promise<void> {
    await this.limiter(limit).delete(key);
  }

  /** Takes one request back, which turned out not to count. */
  async giveBack(limit: RateLimit, key: string): Promise<void> {
    await this.limiter(limit).reward(key);
  }

  private limiter({ name, requests, windowS }: RateLimit): RateLimiterPostgres {
    const id = `${name} ${requests} ${windowS}`;
    const known = this.limiters.get(id);
    if (known) return known;
    const made = new RateLimiterPostgres({
      storeClient: { query: this.query },
      storeType: 'pool',
      tableName: 'rate_limits',
      tableCreated: true,
      keyPrefix: name,
      points: requests,
      duration: windowS,
      clearExpiredByTimeout: this.limiters.size === 0,
      // Who is over the limit is refused from memory: an attacker must not keep the database busy.
      inMemoryBlockOnConsumed: requests + 1,
    });
    this.limiters.set(id, made);
    return made;
  }

  private readonly query = async ({ name, text, values }: { name: string; text: string; values: unknown[] }) => {
    const rows = await this.hot.query(name, text, values);
    return { rows, rowCount: rows.length };
  };
}
