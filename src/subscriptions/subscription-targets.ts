import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import type { BodyFormat } from '../core/delivery-request.js';
import { compileProjection, type Projection } from '../core/projection.js';
import { DEFAULT_RETRY_SCHEDULE, type RetrySchedule } from '../core/retry-schedule.js';
import { open } from '../core/secret.js';
import { type SignatureFormat, type SigningKeys, signingKeys } from '../core/signature.js';
import { TenantSettings } from '../tenants/tenant-settings.js';
import { AccessSealer, type ReceiverAccess } from './access-sealer.js';
import { SigningKeyService } from './signing-key.service.js';
import { SubscriptionStore } from './subscription.store.js';

const MAX_REMEMBERED = 20_000;

/** How a subscription wants its deliveries, with the tenant's and the installation's defaults filled in. */
export interface Target {
  /** Neither switched off nor expired. */
  enabled: boolean;
  url: URL;
  bodyFormat: BodyFormat;
  /** Null: all of the data is sent. */
  projection: Projection | null;
  /** Custom headers, and how we sign in. */
  access: ReceiverAccess;
  /** Signs as `v1a`; null where that is not wanted. */
  privateKey: KeyObject | null;
  signatureFormat: SignatureFormat;
  retrySchedule: RetrySchedule;
  timeoutMs: number;
  maxInFlight: number;
  /** Most requests started in a second, over all workers; null: as many as there are. */
  ratePerSecond: number | null;
  /** See core/event-filter; null: everything. */
  filter: unknown;
  /** Keys that sign at that time, newest first. */
  keysAt(now: Date): SigningKeys[];
}

interface Remembered {
  version: number;
  row: NonNullable<Awaited<ReturnType<SubscriptionStore['findWithSecretsAcrossTenants']>>>;
  url: URL;
  projection: Projection | null;
  access: ReceiverAccess;
  privateKey: KeyObject | null;
  secrets: { keys: SigningKeys; expiresAt: Date | null }[];
}

/**
 * What the dispatcher needs of subscriptions, remembered between deliveries. Every loaded delivery brings its subscription's
 * version along, so what is remembered is compared with the truth each time and never stale, whichever process changed it.
 */
@Injectable()
export class SubscriptionTargets {
  private readonly remembered = new Map<string, Remembered>();

  constructor(
    private readonly config: Config,
    private readonly store: SubscriptionStore,
    private readonly settings: TenantSettings,
    private readonly sealer: AccessSealer,
    private readonly keys: SigningKeyService,
    private readonly clock: Clock,
  ) {}

  /** Null when the subscription is gone. */
  async get(tenantId: string, subscriptionId: string, version: number | null): Promise<Target | null> {
    if (version === null) return null;
    const known = this.remembered.get(subscriptionId);
    const entry = known && known.version >= version ? known : await this.load(subscriptionId);
    if (!entry) return null;
    const tenant = await this.settings.get(tenantId);
    const { row } = entry;
    return {
      enabled: row.enabled && (row.expiresAt === null || row.expiresAt > this.clock.now()),
      url: entry.url,
      projection: entry.projection,
      access: entry.access,
      privateKey: entry.privateKey,
      bodyFormat: (row.bodyFormat as BodyFormat | null) ?? tenant.bodyFormat,
      signatureFormat: (row.signatureFormat as SignatureFormat | null) ?? tenant.signatureFormat,
      retrySchedule:
        row.retrySchedule.length > 0 ? row.retrySchedule : (tenant.retrySchedule ?? DEFAULT_RETRY_SCHEDULE),
      timeoutMs: row.timeoutMs ?? tenant.timeoutMs,
      maxInFlight: row.maxInFlight ?? this.config.delivery.inFlightPerSubscription,
      ratePerSecond: row.ratePerSecond,
      filter: row.filter,
      keysAt: (now) => entry.secrets.filter((s) => s.expiresAt === null || s.expiresAt > now).map((s) => s.keys),
    };
  }

  private async load(subscriptionId: string): Promise<Remembered | null> {
    const row = await this.store.findWithSecretsAcrossTenants(subscriptionId);
    if (!row) {
      this.remembered.delete(subscriptionId);
      return null;
    }
    const masterKey = this.config.security.masterKey as Buffer;
    const entry: Remembered = {
      version: row.version,
      row,
      url: new URL(row.url),
      projection: row.fields.length > 0 ? compileProjection(row.fields) : null,
      access: this.sealer.open(row),
      privateKey: row.asymmetric ? await this.keys.privateKey(row.tenantId) : null,
      secrets: row.secrets.map((secret) => ({
        keys: signingKeys(open(secret.ciphertext, masterKey, `subscription_secrets:${secret.id}`)),
        expiresAt: secret.expiresAt,
      })),
    };
    // The oldest entry goes: a Map keeps the order of insertion.
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.delete(this.remembered.keys().next().value as string);
    this.remembered.set(subscriptionId, entry);
    return entry;
  }
}
