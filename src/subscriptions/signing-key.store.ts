import { Injectable } from '@nestjs/common';
import { PrismaService } from '../database/prisma.service.js';
import type { SigningKey } from '../generated/prisma/client.js';

export type { SigningKey };
export type NewSigningKey = Pick<SigningKey, 'id' | 'privateKey' | 'publicKey'>;

@Injectable()
export class SigningKeyStore {
  constructor(private readonly prisma: PrismaService) {}

  /** The newest that is not retired. */
  findCurrent(tenantId: string): Promise<SigningKey | null> {
    return this.prisma.signingKey.findFirst({ where: { tenantId, retiredAt: null }, orderBy: { id: 'desc' } });
  }

  /** The current key, or the new one when there is none. Null when the tenant is gone. */
  createFirst(tenantId: string, key: NewSigningKey): Promise<SigningKey | null> {
    return this.prisma.$transaction(async (tx) => {
      // Two processes that need the key at once make one: the second waits here and then finds it.
      const tenant = await tx.$queryRaw<
        unknown[]
      >`select 1 from tenants where id = ${tenantId}::uuid for no key update`;
      if (tenant.length === 0) return null;
      const current = await tx.signingKey.findFirst({ where: { tenantId, retiredAt: null }, orderBy: { id: 'desc' } });
      return current ?? (await tx.signingKey.create({ data: { ...key, tenantId } }));
    });
  }

  /** Those not retired, newest first, of the tenant with this id or slug. */
  async listPublishedAcrossTenants(tenant: { id: string } | { slug: string }): Promise<SigningKey[]> {
    const found = await this.prisma.tenant.findUnique({ where: tenant, select: { id: true } });
    if (!found) return [];
    return this.prisma.signingKey.findMany({
      where: { tenantId: found.id, retiredAt: null },
      orderBy: { id: 'desc' },
    });
  }
}
