import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { newId } from '../core/ids.js';
import { SCOPES } from '../core/scopes.js';
import { hashToken, sameSecret } from '../core/secret.js';
import { logger } from '../observability/logger.js';
import { ApiKeyStore } from './api-key.store.js';
import { publicIdOf } from './credential-format.js';
import { TenantService } from './tenant.service.js';
import { TenantStore } from './tenant.store.js';

/** `password` and `apiKey` are known only here: the caller shows them once. */
export type Bootstrap =
  | {
      created: true;
      tenant: { id: string; slug: string; name: string };
      email: string;
      password?: string;
      apiKey: string;
    }
  | { created: false };

/** Makes a new installation usable: its first tenant, with an owner and an API key. */
@Injectable()
export class Bootstrapper {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly tenants: TenantService,
    private readonly store: TenantStore,
    private readonly keys: ApiKeyStore,
  ) {}

  /**
   * On an empty installation: creates the tenant of the BOOTSTRAP_* settings, once, however many processes start together.
   * `password` is in the answer only when it was generated. Later, only sees to it that BOOTSTRAP_API_KEY is installed.
   */
  async ensureFirstTenant(): Promise<Bootstrap> {
    const { tenant: slug, password, apiKey } = this.config.bootstrap;
    const email = this.config.bootstrap.email.trim().toLowerCase();
    if (!(await this.store.anyAcrossTenants())) {
      const draft = await this.tenants.draft({
        slug,
        name: slug,
        ownerEmail: email,
        ownerPassword: password ?? undefined,
        apiKey: apiKey ?? undefined,
      });
      const tenant = await this.store.createFirstAcrossTenants(draft.rows, this.clock.now());
      if (tenant) {
        const { id, name } = tenant;
        const generated = password === null && { password: draft.password };
        return { created: true, tenant: { id, slug, name }, email, ...generated, apiKey: draft.apiKey };
      }
    }
    if (apiKey) await this.ensureKey(slug, apiKey);
    return { created: false };
  }

  private async ensureKey(slug: string, key: string): Promise<void> {
    const tenant = await this.store.findBySlugAcrossTenants(slug);
    if (!tenant) {
      logger.warn(
        { tenant: slug },
        'BOOTSTRAP_API_KEY is not installed: there is no tenant with the slug BOOTSTRAP_TENANT',
      );
      return;
    }
    const publicId = publicIdOf(key) as string;
    const keyHash = hashToken(key);
    const installed = await this.keys.createUnlessTaken(tenant.id, {
      id: newId(),
      publicId,
      keyHash,
      name: 'BOOTSTRAP_API_KEY',
      scopes: SCOPES,
      createdBy: 'bootstrap',
      createdAt: this.clock.now(),
      expiresAt: null,
    });
    if (installed) return;
    const existing = await this.keys.findByPublicIdAcrossTenants(publicId);
    if (!existing || !sameSecret(Buffer.from(existing.keyHash), keyHash)) {
      logger.warn(
        { publicId },
        'BOOTSTRAP_API_KEY is not installed: another key has its public id (the part after "phk_")',
      );
    } else if (existing.revokedAt) {
      logger.warn({ publicId }, 'BOOTSTRAP_API_KEY was revoked and stays so: set another one');
    }
  }
}
