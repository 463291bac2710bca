import { Injectable } from '@nestjs/common';
import { request } from 'undici';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';

const TIMEOUT_MS = 5_000;
const SHORTEST_MS = 5 * 60_000;
const LONGEST_MS = 24 * 3_600_000;
/** A key that is not there may be newer than what we have; asked for at most so often, whatever tokens people make up. */
const ASK_AGAIN_MS = 60_000;
const MAX_BYTES = 256 * 1024;

/** Google's public keys (a JSON Web Key Set), kept as long as their answer allows. */
@Injectable()
export class GoogleKeys {
  private keys: unknown;
  private staleAtMs = 0;
  private askedAtMs = Number.NEGATIVE_INFINITY;
  private asking: Promise<void> | null = null;

  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** Undefined while they cannot be had. */
  async current(): Promise<unknown> {
    if (this.clock.now().getTime() >= this.staleAtMs) await this.ask();
    return this.keys;
  }

  /** Asks once more, for a key that `current` does not have. @returns false when that was done a moment ago */
  async refresh(): Promise<boolean> {
    if (this.clock.now().getTime() < this.askedAtMs + ASK_AGAIN_MS) return false;
    await this.ask();
    return true;
  }

  private ask(): Promise<void> {
    this.asking ??= this.fetch().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  private async fetch(): Promise<void> {
    const nowMs = this.clock.now().getTime();
    this.askedAtMs = nowMs;
    try {
      const answer = await request(this.config.inbound.googleCertsUrl, {
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      });
      const body = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}`);
      if (body.length > MAX_BYTES) throw new Error('answered more than keys');
      this.keys = JSON.parse(body);
      const maxAgeS = Number(/max-age=(\d+)/.exec(String(answer.headers['cache-control']))?.[1] ?? 0);
      this.staleAtMs = nowMs + Math.min(Math.max(maxAgeS * 1000, SHORTEST_MS), LONGEST_MS);
    } catch (error) {
      // The keys of before still verify; without any, requests are answered with 503 and Google sends them again.
      logger.warn({ err: (error as Error).message }, "Google's keys could not be fetched");
    }
  }
}
