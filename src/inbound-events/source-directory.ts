import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { isUuid } from '../core/ids.js';
import { hashToken } from '../core/secret.js';
import { TenantCache } from '../tenants/tenant-cache.js';
import { TenantChanges } from '../tenants/tenant-changes.js';
import { SourceStore, type SourceWithSecrets } from './source.store.js';
import { type OpenedSecret, openSecrets, openSettings } from './source-secrets.js';

const REMEMBERED = 20_000;
const REMEMBERED_MS = 5_000;
/** A tenant may have several sources of one provider; on a fixed path so many are tried. */
const MOST_OF_A_KIND = 20;
const SLUG = /^[A-Za-z0-9_-]{1,100}$/;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** A source with all that verifying needs, decrypted. */
export interface KnownSource {
  id: string;
  tenantId: string;
  provider: string;
  enabled: boolean;
  settings: Record<string, unknown>;
  /** Those that are active at a time, newest first. */
  secretsAt(now: Date): OpenedSecret[];
}

/** Finds the source a request is for, from memory where it can: every inbound request asks. */
@Injectable()
export class SourceDirectory {
  private readonly byTokens: TenantCache<KnownSource>;
  private readonly byProviders: TenantCache<KnownSource[]>;

  constructor(
    private readonly store: SourceStore,
    private readonly config: Config,
    changes: TenantChanges,
    clock: Clock,
  ) {
    const limits = { maxEntries: REMEMBERED, ttlMs: REMEMBERED_MS };
    this.byTokens = new TenantCache(clock, changes, limits);
    this.byProviders = new TenantCache(clock, changes, limits);
  }

  /** The source whose URL has this token, or null; also one that is switched off. */
  async byToken(token: string): Promise<KnownSource | null> {
    if (!TOKEN.test(token)) return null;
    const hash = hashToken(token);
    const key = hash.toString('latin1');
    const known = this.byTokens.peek(key);
    if (known) return known;
    return this.byTokens.load(key, async () => {
      const row = await this.store.findByTokenHashAcrossTenants(new Uint8Array(hash));
      return row && { tenantId: row.tenantId, value: this.known(row) };
    });
  }

  /**
   * The enabled sources of a provider, newest first: of the tenant with this id or slug, or, when none is named, of the only
   * tenant that has one. Empty when the tenant cannot be told (product.md, decision 7).
   */
  async byProvider(provider: string, tenant: string | undefined): Promise<KnownSource[]> {
    const tenantId = tenant === undefined ? await this.onlyTenant(provider) : await this.tenantId(tenant);
    if (!tenantId) return [];
    const key = `${provider}/${tenantId}`;
    const known = this.byProviders.peek(key);
    if (known) return known;
    const loaded = await this.byProviders.load(key, async () => {
      const rows = await this.store.listOfProvider(tenantId, provider, MOST_OF_A_KIND);
      return rows.length === 0 ? null : { tenantId, value: rows.map((row) => this.known(row)) };
    });
    return loaded ?? [];
  }

  private async tenantId(idOrSlug: string): Promise<string | null> {
    if (isUuid(idOrSlug)) return idOrSlug.toLowerCase();
    return SLUG.test(idOrSlug) ? this.store.tenantIdAcrossTenants(idOrSlug) : null;
  }

  private async onlyTenant(provider: string): Promise<string | null> {
    const tenantIds = await this.store.tenantsWithProviderAcrossTenants(provider);
    return tenantIds.length === 1 ? (tenantIds[0] as string) : null;
  }

  private known(row: SourceWithSecrets): KnownSource {
    const masterKey = this.config.security.masterKey as Buffer;
    const secrets = openSecrets(row, masterKey);
    return {
      id: row.id,
      tenantId: row.tenantId,
      provider: row.provider,
      enabled: row.enabled,
      settings: { ...(row.settings as object), ...openSettings(row, masterKey) },
      secretsAt: (now) => secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now),
    };
  }
}
