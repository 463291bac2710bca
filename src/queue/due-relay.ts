import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { logger } from '../observability/logger.js';

/** One table of work that becomes due. */
export interface DueSource {
  name: string;
  /** How many rows this process could take now. */
  room(): number;
  /** Leases up to so many due rows and starts on them; returns how many there were. */
  take(limit: number): Promise<number>;
}

const MAX_CLAIM = 1000;

/**
 * Looks on a timer for rows whose time has come: retries, and whatever a lost job, queue or process left behind.
 * Runs in every worker; leases keep two of them from taking the same row.
 */
@Injectable()
export class DueRelay {
  private readonly sources: DueSource[] = [];
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = true;

  constructor(private readonly config: Config) {}

  add(source: DueSource): void {
    this.sources.push(source);
  }

  start(): void {
    this.stopped = false;
    this.schedule(0);
  }

  /** Ends the timer and waits for the round under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
  }

  /** Looks once, now, at every source. Returns true when there may be more at once. */
  async look(): Promise<boolean> {
    let more = false;
    for (const source of this.sources) {
      const limit = Math.min(source.room(), MAX_CLAIM);
      if (limit === 0) continue;
      try {
        const taken = await source.take(limit);
        more ||= taken === limit;
      } catch (error) {
        logger.error({ err: (error as Error).message, source: source.name }, 'due work could not be claimed');
      }
    }
    return more;
  }

  private schedule(delayMs: number): void {
    this.timer = setTimeout(() => {
      this.round = this.look().then((more) => {
        if (!this.stopped) this.schedule(more ? 0 : this.config.delivery.relayIntervalMs);
      });
    }, delayMs);
  }
}
