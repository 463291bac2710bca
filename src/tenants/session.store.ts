import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { hashToken } from '../core/secret.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService } from '../database/prisma.service.js';

export interface NewSession {
  memberId: string;
  token: string;
  expiresAt: Date;
  ip: string;
  userAgent: string | null;
}

@Injectable()
export class SessionStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly hot: HotPool,
  ) {}

  async create(tenantId: string, { token, ...session }: NewSession, now: Date): Promise<void> {
    await this.prisma.session.create({
      data: {
        id: newId(),
        tenantId,
        ...session,
        tokenHash: new Uint8Array(hashToken(token)),
        createdAt: now,
        lastUsedAt: now,
      },
    });
  }

  async revoke(tenantId: string, id: string, now: Date): Promise<void> {
    await this.prisma.session.updateMany({ where: { tenantId, id, revokedAt: null }, data: { revokedAt: now } });
  }

  /** Removes sessions that ended before a time, at most `limit`. @returns how many */
  async removeEndedAcrossTenants(before: Date, limit: number): Promise<number> {
    const rows = await this.hot.query(
      'remove_ended_sessions',
      `delete from sessions where id in (
         select id from sessions where expires_at < $1 or revoked_at < $1 limit $2 for update skip locked
       ) returning 1`,
      [before, limit],
    );
    return rows.length;
  }
}
