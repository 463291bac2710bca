import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { newId } from '../core/ids.js';
import type { Scope } from '../core/scopes.js';
import { hashToken } from '../core/secret.js';
import { cursorId, type Page, type PageQuery, pageOf } from '../http/pagination.dto.js';
import type { ApiKeyView, CreateApiKey, CreatedApiKeyView } from './api-key.dto.js';
import { type ApiKey, ApiKeyStore, type NewApiKey } from './api-key.store.js';
import { newApiKey, publicIdOf } from './credential-format.js';
import type { Principal } from './principal.js';
import { TenantChanges } from './tenant-changes.js';

/** A tenant's API keys. Nobody grants a scope he does not have, and a key is shown when it is made and never again. */
@Injectable()
export class ApiKeyService {
  constructor(
    private readonly store: ApiKeyStore,
    private readonly changes: TenantChanges,
    private readonly clock: Clock,
  ) {}

  async get(tenantId: string, id: string): Promise<ApiKeyView> {
    return present(await this.find(tenantId, id));
  }

  async list(tenantId: string, query: PageQuery): Promise<Page<ApiKeyView>> {
    return pageOf(await this.store.list(tenantId, cursorId(query), query.limit + 1), query.limit, present);
  }

  /** @throws AppError missing_scope, invalid_request */
  async create(by: Principal, input: CreateApiKey): Promise<CreatedApiKeyView> {
    checkMayGrant(by, input.scopes);
    const now = this.clock.now();
    if (input.expiresAt && input.expiresAt <= now) {
      throw invalidField('/expiresAt', `${input.expiresAt.toISOString()} has passed already.`);
    }
    const key = newApiKey();
    const row = newRow(by, key, { ...input, expiresAt: input.expiresAt ?? null }, now);
    return { ...present(await this.store.create(by.tenantId, row)), key };
  }

  async rename(tenantId: string, id: string, name: string): Promise<ApiKeyView> {
    await this.find(tenantId, id);
    return present(await this.store.rename(tenantId, id, name));
  }

  /** The key stops working at once, in every process. */
  async revoke(tenantId: string, id: string): Promise<void> {
    await this.find(tenantId, id);
    await this.store.revoke(tenantId, id, this.clock.now());
    await this.changes.announce(tenantId);
  }

  /**
   * A new key with the same name, scopes and expiry; the old one works for `overlapSeconds` more.
   * @throws AppError not_found, conflict (revoked, expired or rotated already), missing_scope
   */
  async rotate(by: Principal, id: string, overlapSeconds: number): Promise<CreatedApiKeyView> {
    const old = await this.find(by.tenantId, id);
    checkMayGrant(by, old.scopes);
    const now = this.clock.now();
    if (old.expiresAt && old.expiresAt <= now) throw notRotatable(old);
    const key = newApiKey();
    const oldEndsAt = new Date(now.getTime() + overlapSeconds * 1000);
    const row = await this.store.rotate(by.tenantId, id, oldEndsAt, newRow(by, key, old, now));
    await this.changes.announce(by.tenantId);
    if (!row) throw notRotatable(await this.find(by.tenantId, id));
    return { ...present(row), key };
  }

  private async find(tenantId: string, id: string): Promise<ApiKey> {
    const key = await this.store.find(tenantId, id);
    if (!key) throw notFound('API key', id);
    return key;
  }
}

function newRow(
  by: Principal,
  key: string,
  { name, scopes, expiresAt }: { name: string; scopes: string[]; expiresAt: Date | null },
  now: Date,
): NewApiKey {
  const publicId = publicIdOf(key) as string;
  return { id: newId(), publicId, keyHash: hashToken(key), name, scopes, createdBy: by.id, createdAt: now, expiresAt };
}

function checkMayGrant(by: Principal, scopes: string[]): void {
  const lacking = scopes.filter((scope) => !by.scopes.has(scope as Scope));
  if (lacking.length === 0) return;
  throw new AppError('missing_scope', {
    detail: `You cannot give a key what you do not have yourself: ${lacking.join(', ')}.`,
  });
}

function notRotatable(key: ApiKey): AppError {
  const why = key.revokedAt
    ? 'was revoked'
    : key.replacedBy
      ? `was rotated already, by the key ${key.replacedBy}`
      : 'has expired';
  return new AppError('conflict', { detail: `This key ${why}. Create a new one.` });
}

function present(row: ApiKey): ApiKeyView {
  return {
    id: row.id,
    publicId: row.publicId,
    name: row.name,
    scopes: row.scopes,
    createdBy: row.createdBy,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
    lastUsedAt: row.lastUsedAt,
    revokedAt: row.revokedAt,
    replacedBy: row.replacedBy,
  };
}
