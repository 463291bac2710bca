import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { logger } from '../observability/logger.js';
import { type Credential, CredentialStore } from './credential.store.js';

const FLUSH_INTERVAL_MS = 5_000;
const ONCE_IN_MS = 60_000;

/** Notes when credentials were last used: at most once a minute for each, in batches, never in a request's way. */
@Injectable()
export class LastUsedRecorder implements OnModuleInit, OnModuleDestroy {
  private readonly notedAtMs = new Map<string, number>();
  private waiting = new Map<string, { table: Credential['table']; at: Date }>();
  private timer: NodeJS.Timeout;

  constructor(private readonly store: CredentialStore) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.flush(), FLUSH_INTERVAL_MS);
    this.timer.unref();
  }

  note(credential: Credential, now: Date): void {
    const last = this.notedAtMs.get(credential.id);
    if (last !== undefined && now.getTime() - last < ONCE_IN_MS) return;
    this.notedAtMs.set(credential.id, now.getTime());
    this.waiting.set(credential.id, { table: credential.table, at: now });
  }

  /** Writes what is waiting. A failure costs a time stamp, not a request. */
  async flush(): Promise<void> {
    const batch = [...this.waiting].map(([id, use]) => ({ id, ...use }));
    this.waiting = new Map();
    // Forgetting too early would write once more, which the store leaves alone: no reason to keep credentials for ever.
    if (this.notedAtMs.size > 10_000) this.notedAtMs.clear();
    try {
      for (const table of ['sessions', 'api_keys'] as const) {
        const used = batch.filter((use) => use.table === table);
        if (used.length > 0) await this.store.markUsedAcrossTenants(table, used);
      }
    } catch (error) {
      logger.warn({ err: (error as Error).message }, 'last use of credentials was not recorded');
    }
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.flush();
  }
}
