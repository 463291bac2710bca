import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { DEFAULT_RETRY_SCHEDULE } from '../core/retry-schedule.js';
import { type StoredSettings, TenantStore } from './tenant.store.js';
import { TenantCache } from './tenant-cache.js';
import { TenantChanges } from './tenant-changes.js';
import { type EffectiveSettings, VOCABULARIES } from './tenant-settings.dto.js';

const DEFAULT_RETENTION_DAYS = 30;

/** A tenant's settings with the installation's defaults filled in: remembered for a few seconds, forgotten when they change. */
@Injectable()
export class TenantSettings {
  private readonly cache: TenantCache<EffectiveSettings>;

  constructor(
    private readonly config: Config,
    private readonly store: TenantStore,
    clock: Clock,
    changes: TenantChanges,
  ) {
    this.cache = new TenantCache(clock, changes, { maxEntries: 10_000, ttlMs: 5_000 });
  }

  /** What is remembered; undefined when it must be read. */
  peek(tenantId: string): EffectiveSettings | undefined {
    return this.cache.peek(tenantId);
  }

  /** The defaults for a tenant that is gone. Do not change what you get: others get the same object. */
  async get(tenantId: string): Promise<EffectiveSettings> {
    return this.cache.peek(tenantId) ?? (await this.load(tenantId));
  }

  /** @param stored the tenant's own choices */
  effective(stored: StoredSettings): EffectiveSettings {
    return {
      signatureFormat: stored.signatureFormat ?? 'hex',
      bodyFormat: stored.bodyFormat ?? 'envelope',
      retrySchedule: stored.retrySchedule ?? [...DEFAULT_RETRY_SCHEDULE],
      timeoutMs: stored.timeoutMs ?? this.config.delivery.timeoutMs,
      vocabularies: stored.vocabularies ?? [...VOCABULARIES],
      inboundIpAllowlist: stored.inboundIpAllowlist ?? [],
      rateLimits: {
        apiPerMinute: stored.rateLimits?.apiPerMinute ?? null,
        inboundPerMinute: stored.rateLimits?.inboundPerMinute ?? null,
        inboundPerSenderPerMinute: stored.rateLimits?.inboundPerSenderPerMinute ?? null,
      },
      retentionDays: stored.retentionDays ?? DEFAULT_RETENTION_DAYS,
      strictEventTypes: stored.strictEventTypes ?? false,
      defaultCountry: stored.defaultCountry ?? null,
      own: Object.keys(stored),
    };
  }

  private async load(tenantId: string): Promise<EffectiveSettings> {
    const loaded = await this.cache.load(tenantId, async () => {
      const tenant = await this.store.find(tenantId);
      return tenant && { tenantId, value: this.effective(tenant.settings as StoredSettings) };
    });
    return loaded ?? this.effective({});
  }
}
