import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService } from '../database/prisma.service.js';
import type { Prisma, Source, SourceCounter, SourceRefusal, SourceSecret } from '../generated/prisma/client.js';

export type { SourceCounter, SourceRefusal };
export type SourceWithSecrets = Source & { secrets: SourceSecret[] };

/** A secret as it is stored: encrypted, bound to its row. */
export interface SealedSecret {
  id: string;
  ciphertext: Uint8Array<ArrayBuffer>;
}

export interface NewSource {
  id: string;
  provider: string;
  name: string;
  enabled: boolean;
  settings: object;
  sealedSettings: Uint8Array<ArrayBuffer> | null;
  tokenHash: Uint8Array<ArrayBuffer>;
  sealedToken: Uint8Array<ArrayBuffer>;
}

export interface SourceChanges {
  name?: string;
  enabled?: boolean;
  settings?: object;
  sealedSettings?: Uint8Array<ArrayBuffer> | null;
}

/** One refused request, fit to be kept: everything is redacted and cut already. */
export type NewRefusal = Omit<SourceRefusal, 'id'>;

/** What happened at a source since it was last written down. */
export interface SourceActivity {
  tenantId: string;
  sourceId: string;
  accepted: number;
  duplicates: number;
  refused: number;
  acceptedAt: Date | null;
  refusedAt: Date | null;
}

/** So many refused requests of each source are kept. */
export const KEPT_REFUSALS = 20;

// A rotated secret comes after the current one, so that `secretIndex` 0 is the newest.
const WITH_SECRETS = { secrets: { orderBy: { id: 'desc' } } } as const satisfies Prisma.SourceInclude;

const COUNT = `
  insert into source_counters as c (source_id, tenant_id, accepted_count, duplicate_count, refused_count, last_accepted_at, last_refused_at)
  select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::timestamptz[], $7::timestamptz[])
    as a(source_id, tenant_id, accepted, duplicates, refused, accepted_at, refused_at) order by source_id
  on conflict (source_id) do update set
    accepted_count = c.accepted_count + excluded.accepted_count,
    duplicate_count = c.duplicate_count + excluded.duplicate_count,
    refused_count = c.refused_count + excluded.refused_count,
    last_accepted_at = coalesce(excluded.last_accepted_at, c.last_accepted_at),
    last_refused_at = coalesce(excluded.last_refused_at, c.last_refused_at)`;

const FORGET_OLD_REFUSALS = `
  delete from source_refusals r
  using (select distinct * from unnest($1::uuid[], $2::uuid[]) as t(tenant_id, source_id)) s
  where r.tenant_id = s.tenant_id and r.source_id = s.source_id and r.id < (
    select id from source_refusals k where k.tenant_id = s.tenant_id and k.source_id = s.source_id
    order by id desc offset ${KEPT_REFUSALS - 1} limit 1
  )`;

const NOTE_SECRETS_USED = `
  update source_secrets s set last_used_at = greatest(s.last_used_at, u.at)
  from unnest($1::uuid[], $2::timestamptz[]) as u(id, at) where s.id = u.id`;

@Injectable()
export class SourceStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly hot: HotPool,
  ) {}

  create(tenantId: string, source: NewSource, secret: SealedSecret | null): Promise<SourceWithSecrets> {
    return this.prisma.source.create({
      data: { ...source, tenantId, ...(secret && { secrets: { create: { ...secret, tenantId } } }) },
      include: WITH_SECRETS,
    });
  }

  find(tenantId: string, id: string): Promise<SourceWithSecrets | null> {
    return this.prisma.source.findUnique({ where: { id, tenantId }, include: WITH_SECRETS });
  }

  /** Newest first. */
  list(tenantId: string, provider: string | undefined, belowId: string | undefined, take: number) {
    return this.prisma.source.findMany({
      where: { tenantId, provider, id: { lt: belowId } },
      include: WITH_SECRETS,
      orderBy: { id: 'desc' },
      take,
    });
  }

  /** Null when there is none. */
  async update(tenantId: string, id: string, changes: SourceChanges): Promise<SourceWithSecrets | null> {
    const { count } = await this.prisma.source.updateMany({ where: { id, tenantId }, data: changes });
    return count === 0 ? null : this.find(tenantId, id);
  }

  /** Makes a secret the current one; those before it verify until `previousExpireAt`, or not one moment more when it is null. */
  async replaceSecret(tenantId: string, id: string, secret: SealedSecret, previousExpireAt: Date | null, now: Date) {
    await this.prisma.$transaction(async (tx) => {
      const { count } = await tx.source.updateMany({ where: { id, tenantId }, data: { updatedAt: now } });
      if (count === 0) return;
      const earlier = { tenantId, sourceId: id };
      if (previousExpireAt) {
        await tx.sourceSecret.deleteMany({ where: { ...earlier, expiresAt: { lte: now } } });
        await tx.sourceSecret.updateMany({
          where: { ...earlier, expiresAt: null },
          data: { expiresAt: previousExpireAt },
        });
      } else {
        await tx.sourceSecret.deleteMany({ where: earlier });
      }
      await tx.sourceSecret.create({ data: { ...secret, tenantId, sourceId: id, createdAt: now } });
    });
  }

  async delete(tenantId: string, id: string): Promise<boolean> {
    const [{ count }] = await this.prisma.$transaction([
      this.prisma.source.deleteMany({ where: { id, tenantId } }),
      this.prisma.sourceCounter.deleteMany({ where: { sourceId: id, tenantId } }),
      this.prisma.sourceRefusal.deleteMany({ where: { sourceId: id, tenantId } }),
      this.prisma.inboundRoute.deleteMany({ where: { sourceId: id, tenantId } }),
    ]);
    return count === 1;
  }

  async counters(tenantId: string, ids: string[]): Promise<Map<string, SourceCounter>> {
    const rows = await this.prisma.sourceCounter.findMany({ where: { tenantId, sourceId: { in: ids } } });
    return new Map(rows.map((row) => [row.sourceId, row]));
  }

  /** Newest first. */
  listRefusals(tenantId: string, sourceId: string): Promise<SourceRefusal[]> {
    return this.prisma.sourceRefusal.findMany({
      where: { tenantId, sourceId },
      orderBy: { id: 'desc' },
      take: KEPT_REFUSALS,
    });
  }

  findByTokenHashAcrossTenants(tokenHash: Uint8Array<ArrayBuffer>): Promise<SourceWithSecrets | null> {
    return this.prisma.source.findUnique({ where: { tokenHash }, include: WITH_SECRETS });
  }

  /** Enabled sources of a provider, newest first. */
  listOfProvider(tenantId: string, provider: string, take: number): Promise<SourceWithSecrets[]> {
    return this.prisma.source.findMany({
      where: { tenantId, provider, enabled: true },
      include: WITH_SECRETS,
      orderBy: { id: 'desc' },
      take,
    });
  }

  /** At most two tenants that have an enabled source of a provider: enough to know whether there is exactly one. */
  async tenantsWithProviderAcrossTenants(provider: string): Promise<string[]> {
    const rows = await this.prisma.source.findMany({
      where: { provider, enabled: true },
      distinct: ['tenantId'],
      select: { tenantId: true },
      take: 2,
    });
    return rows.map((row) => row.tenantId);
  }

  async tenantIdAcrossTenants(slug: string): Promise<string | null> {
    const tenant = await this.prisma.tenant.findUnique({ where: { slug }, select: { id: true } });
    return tenant?.id ?? null;
  }

  /** Counts, and keeps the newest refusals of each source. */
  async recordActivityAcrossTenants(
    activity: SourceActivity[],
    refusals: NewRefusal[],
    secretsUsed: { id: string; at: Date }[],
  ): Promise<void> {
    await this.hot.query('source-count', COUNT, [
      activity.map((a) => a.sourceId),
      activity.map((a) => a.tenantId),
      activity.map((a) => a.accepted),
      activity.map((a) => a.duplicates),
      activity.map((a) => a.refused),
      activity.map((a) => a.acceptedAt),
      activity.map((a) => a.refusedAt),
    ]);
    if (secretsUsed.length > 0) {
      const used = [...secretsUsed].sort((a, b) => (a.id < b.id ? -1 : 1));
      await this.hot.query('source-secrets-used', NOTE_SECRETS_USED, [used.map((u) => u.id), used.map((u) => u.at)]);
    }
    if (refusals.length === 0) return;
    await this.prisma.sourceRefusal.createMany({ data: refusals.map((refusal) => ({ ...refusal, id: newId() })) });
    await this.hot.query('source-old-refusals', FORGET_OLD_REFUSALS, [
      refusals.map((r) => r.tenantId),
      refusals.map((r) => r.sourceId),
    ]);
  }
}
