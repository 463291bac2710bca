import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { logger } from '../observability/logger.js';
import { ConnectionStore } from './connection.store.js';
import { CONNECTION_PROVIDER_NAMES, connectionProvider } from './connection-providers.js';
import { WebhookRegistrar } from './webhook-registrar.js';

const INTERVAL_MS = 3_600_000;
const ROWS_AT_ONCE = 100;

/**
 * Registers again what ends by itself at the provider (Gmail's watch, after a week), long before it does. In every worker; whichever
 * comes first renews, the others find it renewed or being renewed. What fails is tried again an hour later.
 */
@Injectable()
export class WebhookRenewer implements OnApplicationBootstrap, OnModuleDestroy {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly config: Config,
    private readonly store: ConnectionStore,
    private readonly registrar: WebhookRegistrar,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.config.roles.includes('worker')) return;
    const start = () => {
      this.round = this.round
        .then(() => this.renew())
        .catch((error) => logger.warn({ err: error.message }, 'webhooks at providers were not renewed'));
    };
    start();
    this.timer = setInterval(start, INTERVAL_MS);
    this.timer.unref();
  }

  /** Looks once, now. */
  async renew(): Promise<void> {
    for (const provider of CONNECTION_PROVIDER_NAMES) {
      const { renewAfterMs } = connectionProvider(provider);
      if (renewAfterMs !== null) await this.renewOf(provider, new Date(this.clock.now().getTime() - renewAfterMs));
    }
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.round;
  }

  private async renewOf(provider: string, registeredBefore: Date): Promise<void> {
    for (let afterId: string | undefined; !this.stopped; ) {
      const old = await this.store.listRegisteredBeforeAcrossTenants(provider, registeredBefore, afterId, ROWS_AT_ONCE);
      for (const { tenantId, id } of old) {
        if (this.stopped) return;
        await this.registrar.register(tenantId, id, {}).catch((error: Error) => {
          logger.warn({ tenantId, connectionId: id, err: error.message }, 'a webhook at a provider was not renewed');
        });
      }
      if (old.length < ROWS_AT_ONCE) return;
      afterId = old.at(-1)?.id;
    }
  }
}
