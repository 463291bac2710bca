import { Injectable } from '@nestjs/common';
import { isUuid } from '../core/ids.js';
import { isUniqueViolation, PrismaService } from '../database/prisma.service.js';

export interface NewApiKey {
  id: string;
  publicId: string;
  keyHash: Buffer;
  name: string;
  scopes: readonly string[];
  createdBy: string;
  createdAt: Date;
  expiresAt: Date | null;
}

export type ApiKey = NonNullable<Awaited<ReturnType<ApiKeyStore['find']>>>;

const columns = (tenantId: string, key: NewApiKey) => ({
  ...key,
  tenantId,
  scopes: [...key.scopes],
  keyHash: new Uint8Array(key.keyHash),
});

@Injectable()
export class ApiKeyStore {
  constructor(private readonly prisma: PrismaService) {}

  async find(tenantId: string, id: string) {
    return isUuid(id) ? this.prisma.apiKey.findFirst({ where: { tenantId, id } }) : null;
  }

  /** Newest first, revoked ones too. */
  list(tenantId: string, belowId: string | undefined, take: number) {
    return this.prisma.apiKey.findMany({ where: { tenantId, id: { lt: belowId } }, orderBy: { id: 'desc' }, take });
  }

  create(tenantId: string, key: NewApiKey) {
    return this.prisma.apiKey.create({ data: columns(tenantId, key) });
  }

  /** False when the public id is taken, by whichever tenant. */
  async createUnlessTaken(tenantId: string, key: NewApiKey): Promise<boolean> {
    try {
      await this.create(tenantId, key);
      return true;
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  rename(tenantId: string, id: string, name: string) {
    return this.prisma.apiKey.update({ where: { id, tenantId }, data: { name } });
  }

  /** A key that is revoked already keeps its time. */
  async revoke(tenantId: string, id: string, now: Date): Promise<void> {
    await this.prisma.apiKey.updateMany({ where: { tenantId, id, revokedAt: null }, data: { revokedAt: now } });
  }

  /**
   * Makes the new key and lets the old one end at `oldEndsAt`, or sooner when it would anyway.
   * @returns null, and nothing is made, when the old one was revoked or rotated meanwhile
   */
  rotate(tenantId: string, id: string, oldEndsAt: Date, key: NewApiKey) {
    return this.prisma.$transaction(async (tx) => {
      const replaced = await tx.$executeRaw`
        update api_keys set replaced_by = ${key.id}::uuid, expires_at = least(expires_at, ${oldEndsAt})
        where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and revoked_at is null and replaced_by is null`;
      return replaced === 1 ? tx.apiKey.create({ data: columns(tenantId, key) }) : null;
    });
  }

  findByPublicIdAcrossTenants(publicId: string) {
    return this.prisma.apiKey.findUnique({ where: { publicId } });
  }
}
