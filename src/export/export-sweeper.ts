import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { ExportStore } from './export.store.js';
import { ExportFileStore } from './export-file.store.js';
import { ExportRecorder } from './export-recorder.js';

const INTERVAL_MS = 60_000;
const ROWS_AT_ONCE = 100;
/** Each is about a megabyte. */
const PIECES_AT_ONCE = 20;

/**
 * Ends exports that nobody works on any more, and removes files that have had their time, some pieces at once. In every worker;
 * whichever comes first does it, the others find nothing.
 */
@Injectable()
export class ExportSweeper implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly store: ExportStore,
    private readonly files: ExportFileStore,
    private readonly recorder: ExportRecorder,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.roles.includes('worker')) return;
    const start = () => {
      this.round = this.round
        .then(() => this.sweep())
        .catch((error) => logger.warn({ err: error.message }, 'exports were not swept'));
    };
    start();
    this.timer = setInterval(start, INTERVAL_MS);
    this.timer.unref();
  }

  /** Looks once, now. */
  async sweep(): Promise<void> {
    const now = this.clock.now();
    for (let more = true; more && !this.stopped; ) {
      const orphans = await this.store.endOrphansAcrossTenants(now, ROWS_AT_ONCE);
      for (const orphan of orphans) await this.recorder.logEnd(orphan, { status: orphan.status, error: null });
      more = orphans.length === ROWS_AT_ONCE;
    }
    while (!this.stopped && (await this.store.expireAcrossTenants(now, ROWS_AT_ONCE)) === ROWS_AT_ONCE);
    while (!this.stopped && (await this.files.removeSomeAcrossTenants(PIECES_AT_ONCE)));
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.round;
  }
}
