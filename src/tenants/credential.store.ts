import { Injectable } from '@nestjs/common';
import { ROLE_SCOPES, SCOPES, type Scope } from '../core/scopes.js';
import { hashToken, sameSecret } from '../core/secret.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService } from '../database/prisma.service.js';
import type { Principal } from './principal.js';

/** A session or API key as it is in the database, valid or not. */
export interface Credential {
  table: 'sessions' | 'api_keys';
  /** Id of the session or key. */
  id: string;
  principal: Principal;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

const MARK_USED = {
  api_keys: `
    update api_keys set last_used_at = used.at from unnest($1::uuid[], $2::timestamptz[]) as used(id, at)
    where api_keys.id = used.id and (last_used_at is null or last_used_at < used.at - interval '1 minute')`,
  sessions: `
    update sessions set last_used_at = used.at from unnest($1::uuid[], $2::timestamptz[]) as used(id, at)
    where sessions.id = used.id and last_used_at < used.at - interval '1 minute'`,
};

/** Credentials by what a request presents: the tenant is what they tell, so these methods cross tenants. */
@Injectable()
export class CredentialStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly hot: HotPool,
  ) {}

  /** The key with that public id, when all of `key` is right. */
  async findApiKeyAcrossTenants(publicId: string, key: string): Promise<Credential | null> {
    const row = await this.prisma.apiKey.findUnique({ where: { publicId } });
    if (!row || !sameSecret(Buffer.from(row.keyHash), hashToken(key))) return null;
    const scopes = new Set(row.scopes.filter((scope): scope is Scope => (SCOPES as readonly string[]).includes(scope)));
    return {
      table: 'api_keys',
      id: row.id,
      principal: { kind: 'api-key', tenantId: row.tenantId, id: row.id, publicId, name: row.name, scopes },
      expiresAt: row.expiresAt,
      revokedAt: row.revokedAt,
    };
  }

  async findSessionAcrossTenants(token: string): Promise<Credential | null> {
    const row = await this.prisma.session.findUnique({
      where: { tokenHash: new Uint8Array(hashToken(token)) },
      include: { member: true },
    });
    if (!row) return null;
    const { id, tenantId, name, email, role } = row.member;
    const scopes = new Set(ROLE_SCOPES[role]);
    return {
      table: 'sessions',
      id: row.id,
      principal: { kind: 'member', tenantId, id, name, email, role, sessionId: row.id, scopes },
      expiresAt: row.expiresAt,
      revokedAt: row.revokedAt,
    };
  }

  /** One statement for many; a credential marked within the last minute, here or by another process, is left alone. */
  async markUsedAcrossTenants(table: Credential['table'], used: { id: string; at: Date }[]): Promise<void> {
    await this.hot.query(`mark_used_${table}`, MARK_USED[table], [used.map((u) => u.id), used.map((u) => u.at)]);
  }
}
