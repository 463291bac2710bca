import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { AppError } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { SCOPES } from '../core/scopes.js';
import { hashToken } from '../core/secret.js';
import { cursorId, type Page, type PageQuery, pageOf } from '../http/pagination.dto.js';
import { newApiKey, newPassword, publicIdOf } from './credential-format.js';
import { PasswordHasher } from './password-hasher.js';
import type { CreatedTenantView, CreateTenant, UpdatePlatformTenant } from './platform-tenant.dto.js';
import { type NewTenant, type StoredSettings, type Tenant, TenantStore } from './tenant.store.js';
import { TenantChanges } from './tenant-changes.js';
import { TenantPurger } from './tenant-purger.js';
import type { TenantView, UpdateTenant } from './tenant-settings.dto.js';
import { TenantSettings } from './tenant-settings.js';

/** A tenant as it is about to be made, with the secrets that only its maker gets to see. */
export interface TenantDraft {
  rows: NewTenant;
  password: string;
  apiKey: string;
}

/** Tenants: seen by themselves (`/api/v1/tenant`) and by the operator (`/api/v1/platform/tenants`). */
@Injectable()
export class TenantService {
  constructor(
    private readonly store: TenantStore,
    private readonly settings: TenantSettings,
    private readonly passwords: PasswordHasher,
    private readonly purger: TenantPurger,
    private readonly changes: TenantChanges,
    private readonly clock: Clock,
  ) {}

  async get(tenantId: string): Promise<TenantView> {
    const tenant = isUuid(tenantId) ? await this.store.find(tenantId) : null;
    if (!tenant) throw unknownTenant(tenantId);
    return this.present(tenant);
  }

  /** @throws AppError not_found, conflict (slug) */
  async update(tenantId: string, input: UpdateTenant | UpdatePlatformTenant): Promise<TenantView> {
    if (!isUuid(tenantId)) throw unknownTenant(tenantId);
    const update = await this.store.update(tenantId, input);
    if (update === 'slugTaken') throw slugTaken((input as UpdatePlatformTenant).slug as string);
    if (!update) throw unknownTenant(tenantId);
    await this.changes.announce(tenantId);
    return this.present(update);
  }

  async listAcrossTenants(query: PageQuery): Promise<Page<TenantView>> {
    const rows = await this.store.listAcrossTenants(cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, (tenant) => this.present(tenant));
  }

  /** With its owner and an API key of all scopes. @throws AppError conflict (slug) */
  async create(input: CreateTenant): Promise<CreatedTenantView> {
    const draft = await this.draft(input);
    const tenant = await this.store.create(draft.rows, this.clock.now());
    if (!tenant) throw slugTaken(input.slug);
    return {
      tenant: this.present(tenant),
      owner: { email: input.ownerEmail, ...(input.ownerPassword === undefined && { password: draft.password }) },
      apiKey: draft.apiKey,
    };
  }

  /** Removes the tenant with everything it owns but its audit log. @throws AppError not_found */
  async delete(tenantId: string): Promise<void> {
    await this.get(tenantId);
    await this.purger.purge(tenantId);
  }

  /** Everything a new tenant needs; absent secrets are generated. */
  async draft(input: CreateTenant & { apiKey?: string }): Promise<TenantDraft> {
    const password = input.ownerPassword ?? newPassword();
    const apiKey = input.apiKey ?? newApiKey();
    const rows: NewTenant = {
      slug: input.slug,
      name: input.name,
      owner: { email: input.ownerEmail, name: input.ownerEmail, passwordHash: await this.passwords.hash(password) },
      apiKey: { publicId: publicIdOf(apiKey) as string, keyHash: hashToken(apiKey), name: 'First key', scopes: SCOPES },
    };
    return { rows, password, apiKey };
  }

  private present({ id, slug, name, settings, createdAt, updatedAt }: Tenant): TenantView {
    return { id, slug, name, settings: this.settings.effective(settings as StoredSettings), createdAt, updatedAt };
  }
}

function unknownTenant(id: string): AppError {
  return new AppError('not_found', { detail: `There is no tenant with the id "${id}".` });
}

function slugTaken(slug: string): AppError {
  return new AppError('conflict', { detail: `Another tenant has the slug "${slug}".` });
}
