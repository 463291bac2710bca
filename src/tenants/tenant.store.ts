import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import type { Scope } from '../core/scopes.js';
import { HotPool } from '../database/hot-pool.js';
import { isUniqueViolation, PrismaService } from '../database/prisma.service.js';
import type { TenantSettingsPatch } from './tenant-settings.dto.js';

/** What a tenant has chosen, as stored: only its own choices, never null. */
export type StoredSettings = { [Key in keyof TenantSettingsPatch]?: NonNullable<TenantSettingsPatch[Key]> };

export type Tenant = NonNullable<Awaited<ReturnType<TenantStore['find']>>>;

export interface NewTenant {
  slug: string;
  name: string;
  owner: { email: string; name: string; passwordHash: string };
  apiKey: { publicId: string; keyHash: Buffer; name: string; scopes: readonly Scope[] };
}

/** Of the first tenant: processes that start together on an empty installation make one tenant. */
const FIRST_TENANT_LOCK = 72_707_370;

/** A tenant with its first owner and key: all three, or nothing. */
function newTenantRows({ slug, name, owner, apiKey }: NewTenant, now: Date) {
  const ownerId = newId();
  return {
    id: newId(),
    slug,
    name,
    createdAt: now,
    members: { create: { id: ownerId, ...owner, role: 'owner' as const, createdAt: now } },
    apiKeys: {
      create: {
        id: newId(),
        publicId: apiKey.publicId,
        keyHash: new Uint8Array(apiKey.keyHash),
        name: apiKey.name,
        scopes: [...apiKey.scopes],
        createdBy: ownerId,
        createdAt: now,
      },
    },
  };
}

@Injectable()
export class TenantStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly hot: HotPool,
  ) {}

  find(tenantId: string) {
    return this.prisma.tenant.findUnique({ where: { id: tenantId } });
  }

  /** Null when there is none. Merges `settings` into the stored ones (RFC 7396: null removes), under a lock so that two patches both count. */
  async update(tenantId: string, changes: { slug?: string; name?: string; settings?: TenantSettingsPatch }) {
    try {
      return await this.prisma.$transaction(async (tx) => {
        const rows = await tx.$queryRaw<
          { settings: object }[]
        >`select settings from tenants where id = ${tenantId}::uuid for update`;
        if (!rows[0]) return null;
        const { slug, name } = changes;
        const settings = changes.settings && mergePatch(rows[0].settings, changes.settings);
        return await tx.tenant.update({ where: { id: tenantId }, data: { slug, name, settings } });
      });
    } catch (error) {
      if (isUniqueViolation(error)) return 'slugTaken';
      throw error;
    }
  }

  /** Null when the slug is taken. */
  async create(tenant: NewTenant, now: Date) {
    try {
      return await this.prisma.tenant.create({ data: newTenantRows(tenant, now) });
    } catch (error) {
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  }

  /** Null when there is a tenant already, or another process is faster. */
  createFirstAcrossTenants(tenant: NewTenant, now: Date) {
    return this.prisma.$transaction(
      async (tx) => {
        await tx.$executeRaw`select pg_advisory_xact_lock(${FIRST_TENANT_LOCK})`;
        if ((await tx.tenant.count()) > 0) return null;
        return tx.tenant.create({ data: newTenantRows(tenant, now) });
      },
      { timeout: 60_000 },
    );
  }

  /** Every start asks, and most need nothing else of Prisma, which takes a tenth of a second to get ready. */
  async anyAcrossTenants(): Promise<boolean> {
    return (await this.hot.query('any_tenant', 'select 1 from tenants limit 1', [])).length > 0;
  }

  findBySlugAcrossTenants(slug: string) {
    return this.prisma.tenant.findUnique({ where: { slug } });
  }

  /** Newest first. */
  listAcrossTenants(belowId: string | undefined, take: number) {
    return this.prisma.tenant.findMany({ where: { id: { lt: belowId } }, orderBy: { id: 'desc' }, take });
  }
}

function mergePatch(stored: object, patch: object): object {
  const merged: Record<string, unknown> = { ...stored };
  for (const [key, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete merged[key];
    else if (typeof value === 'object' && !Array.isArray(value))
      merged[key] = mergePatch((merged[key] as object) ?? {}, value);
    else merged[key] = value;
  }
  return merged;
}
