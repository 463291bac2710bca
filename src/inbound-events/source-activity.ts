import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { logger } from '../observability/logger.js';
import { metrics } from '../observability/metrics.js';
import { KEPT_REFUSALS, type NewRefusal, type SourceActivity as Row, SourceStore } from './source.store.js';
import type { KnownSource } from './source-directory.js';

const WRITE_AFTER_MS = 300;

/**
 * Counts what happens at the sources and keeps a sample of what they refused. It is written a few times a second and not for
 * each request: a flood of forged requests must not become a flood of writes. What a dying process had not written is lost.
 */
@Injectable()
export class SourceActivity implements OnApplicationShutdown {
  private rows = new Map<string, Row>();
  private refusals = new Map<string, NewRefusal[]>();
  private secretsUsed = new Map<string, Date>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(private readonly store: SourceStore) {}

  accepted(source: KnownSource, secretId: string | null, duplicate: boolean, now: Date): void {
    const row = this.row(source);
    if (duplicate) row.duplicates++;
    else row.accepted++;
    row.acceptedAt = now;
    if (secretId) this.secretsUsed.set(secretId, now);
  }

  refused(source: KnownSource, refusal: NewRefusal): void {
    const row = this.row(source);
    row.refused++;
    metrics.inboundRefused.inc();
    row.refusedAt = refusal.refusedAt;
    const kept = this.refusals.get(source.id) ?? [];
    kept.push(refusal);
    if (kept.length > KEPT_REFUSALS) kept.shift();
    this.refusals.set(source.id, kept);
  }

  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    await this.writing;
    await this.write();
  }

  private row({ id, tenantId }: KnownSource): Row {
    const known = this.rows.get(id);
    if (known) return known;
    const row = {
      sourceId: id,
      tenantId,
      accepted: 0,
      duplicates: 0,
      refused: 0,
      acceptedAt: null,
      refusedAt: null,
    };
    this.rows.set(id, row);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.writing = this.writing.then(() => this.write());
    }, WRITE_AFTER_MS).unref();
    return row;
  }

  private async write(): Promise<void> {
    if (this.rows.size === 0) return;
    const rows = [...this.rows.values()];
    const refusals = [...this.refusals.values()].flat();
    const secretsUsed = [...this.secretsUsed].map(([id, at]) => ({ id, at }));
    this.rows = new Map();
    this.refusals = new Map();
    this.secretsUsed = new Map();
    await this.store.recordActivityAcrossTenants(rows, refusals, secretsUsed).catch((error: Error) => {
      logger.warn({ err: error.message, sources: rows.length }, 'activity of sources was not recorded');
    });
  }
}
