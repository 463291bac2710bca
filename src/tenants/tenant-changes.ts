import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import pg from 'pg';
import { DatabaseUrl } from '../database/database-url.js';
import { HotPool } from '../database/hot-pool.js';
import { logger } from '../observability/logger.js';

const CHANNEL = 'posthaste_credentials';
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/** Gets the tenant whose credentials or settings changed, or null when changes may have been missed. */
export type ChangeListener = (tenantId: string | null) => void;

/**
 * Tells every process that a tenant's credentials or settings have changed, through Postgres LISTEN/NOTIFY, so that what they
 * remember of them is forgotten at once. While `connected` is false nothing may be remembered: a change would go unnoticed.
 */
@Injectable()
export class TenantChanges implements OnModuleInit, OnApplicationShutdown {
  private readonly listeners: ChangeListener[] = [];
  private client: pg.Client | null = null;
  private retryTimer: NodeJS.Timeout | null = null;
  private retryMs = FIRST_RETRY_MS;
  private stopped = false;
  private listening = false;

  constructor(
    private readonly database: DatabaseUrl,
    private readonly hot: HotPool,
  ) {}

  /** Whether this process hears of changes made by others. */
  get connected(): boolean {
    return this.listening;
  }

  onChange(listener: ChangeListener): void {
    this.listeners.push(listener);
  }

  /** Call it after the commit: this process forgets before the promise is made, the others as soon as Postgres tells them. */
  async announce(tenantId: string): Promise<void> {
    this.tell(tenantId);
    await this.hot.query('announce_change', 'select pg_notify($1, $2)', [CHANNEL, tenantId]);
  }

  async onModuleInit(): Promise<void> {
    await this.connect();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.listening = false;
    if (this.retryTimer) clearTimeout(this.retryTimer);
    await this.client?.end().catch(() => {});
  }

  private async connect(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.database.value,
      application_name: 'posthaste changes',
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
    });
    this.client = client;
    // 'end' follows every 'error' once connected; without a listener an error would end the process.
    client.on('error', (error) => logger.warn({ err: error.message }, 'connection for change notices lost'));
    client.on('end', () => this.lost(client));
    client.on('notification', (message) => this.tell(message.payload || null));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      if (this.stopped) return;
      this.retryMs = FIRST_RETRY_MS;
      this.tell(null);
      this.listening = true;
    } catch (error) {
      logger.warn({ err: (error as Error).message }, 'no connection for change notices yet');
      void client.end().catch(() => {});
      this.lost(client);
    }
  }

  private lost(client: pg.Client): void {
    if (this.client !== client || this.stopped) return;
    this.client = null;
    this.listening = false;
    this.tell(null);
    this.retryTimer = setTimeout(() => void this.connect(), this.retryMs);
    this.retryTimer.unref();
    this.retryMs = Math.min(this.retryMs * 2, MAX_RETRY_MS);
  }

  private tell(tenantId: string | null): void {
    for (const listener of this.listeners) listener(tenantId);
  }
}
