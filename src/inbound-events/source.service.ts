import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { isUuid, newId } from '../core/ids.js';
import type { Provider } from '../core/provider-signatures/provider.js';
import { findProvider, settingProblems } from '../core/provider-signatures/providers.js';
import { REDACTED } from '../core/provider-signatures/redact.js';
import { hashToken, newToken, seal } from '../core/secret.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { TenantChanges } from '../tenants/tenant-changes.js';
import {
  type CreatedSource,
  type CreateSource,
  presentRefusal,
  type RefusalList,
  type RotatedSourceSecret,
  type RotateSourceSecret,
  type SourceQuery,
  type SourceView,
  type UpdateSource,
} from './source.dto.js';
import { type SealedSecret, type SourceCounter, SourceStore, type SourceWithSecrets } from './source.store.js';
import { openSecrets, openSettings, openToken, sensitiveNames } from './source-secrets.js';

/** The entry points of a tenant: one for each provider, or several. */
@Injectable()
export class SourceService {
  constructor(
    private readonly store: SourceStore,
    private readonly changes: TenantChanges,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** @returns with the secret when there is one @throws AppError invalid_request with pointers into `/settings` */
  async create(tenantId: string, input: CreateSource): Promise<CreatedSource> {
    const provider = providerOf(input.provider);
    const given = input.settings ?? {};
    checkSettings(provider, given);
    const secret = input.secret ?? (madeByUs(provider, given) ? newToken('') : undefined);
    checkSecret(provider, secret);
    const id = newId();
    const token = newToken('');
    const row = await this.store.create(
      tenantId,
      {
        id,
        provider: input.provider,
        name: input.name,
        enabled: input.enabled ?? true,
        ...this.settingColumns(id, provider, given),
        tokenHash: new Uint8Array(hashToken(token)),
        sealedToken: seal(token, this.masterKey, `sources:${id}:token`),
      },
      secret === undefined ? null : this.sealed(secret),
    );
    await this.changes.announce(tenantId);
    return { ...this.present(row), ...(secret !== undefined && { secret }) };
  }

  /** Without its counters. */
  async find(tenantId: string, id: string): Promise<SourceView | null> {
    const row = await this.store.find(tenantId, id);
    return row && this.present(row);
  }

  /** The newest secret as it is, to be told to the provider; null when there is none. Never answer a request with it. */
  async currentSecret(tenantId: string, id: string): Promise<string | null> {
    const row = await this.getRow(tenantId, id);
    return openSecrets(row, this.masterKey).find(({ expiresAt }) => expiresAt === null)?.value ?? null;
  }

  async get(tenantId: string, id: string): Promise<SourceView> {
    const row = await this.getRow(tenantId, id);
    return this.present(row, (await this.store.counters(tenantId, [id])).get(id));
  }

  async list(tenantId: string, query: SourceQuery): Promise<Page<SourceView>> {
    const rows = await this.store.list(tenantId, query.provider, cursorId(query), query.limit + 1);
    const counters = await this.store.counters(
      tenantId,
      rows.map((row) => row.id),
    );
    return pageOf(rows, query.limit, (row) => this.present(row, counters.get(row.id)));
  }

  /** Fields that are absent stay as they are; `settings` are replaced whole. */
  async update(tenantId: string, id: string, input: UpdateSource): Promise<SourceView> {
    const current = await this.getRow(tenantId, id);
    const provider = providerOf(current.provider);
    const { name, enabled, secret } = input;
    const settings = input.settings && this.withHiddenKept(current, provider, input.settings);
    if (settings) checkSettings(provider, settings);
    checkSecret(provider, secret);
    await this.store.update(tenantId, id, {
      ...(name !== undefined && { name }),
      ...(enabled !== undefined && { enabled }),
      ...(settings && this.settingColumns(id, provider, settings)),
    });
    if (secret !== undefined) await this.store.replaceSecret(tenantId, id, this.sealed(secret), null, this.clock.now());
    await this.changes.announce(tenantId);
    return this.get(tenantId, id);
  }

  /** The secret before verifies for the overlap, so that both sides can be changed one after the other. */
  async rotate(tenantId: string, id: string, input: RotateSourceSecret): Promise<RotatedSourceSecret> {
    const provider = providerOf((await this.getRow(tenantId, id)).provider);
    const secret = input.secret || (provider.secret.madeBy === 'you' ? newToken('') : undefined);
    if (secret === undefined)
      throw invalidField('/secret', `The provider makes this secret: give the new one. ${provider.secret.about}`);
    checkSecret(provider, secret);
    const now = this.clock.now();
    const previousExpiresAt = new Date(now.getTime() + input.overlapSeconds * 1000);
    await this.store.replaceSecret(tenantId, id, this.sealed(secret), previousExpiresAt, now);
    await this.changes.announce(tenantId);
    return { secret, previousExpiresAt };
  }

  /** Its inbound events stay; its routes go with it. */
  async delete(tenantId: string, id: string): Promise<void> {
    if (!isUuid(id) || !(await this.store.delete(tenantId, id))) throw notFound('source', id);
    await this.changes.announce(tenantId);
  }

  async refusals(tenantId: string, id: string): Promise<RefusalList> {
    await this.getRow(tenantId, id);
    return { data: (await this.store.listRefusals(tenantId, id)).map(presentRefusal) };
  }

  private async getRow(tenantId: string, id: string): Promise<SourceWithSecrets> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('source', id);
    return row;
  }

  private present(row: SourceWithSecrets, counter?: SourceCounter): SourceView {
    const token = openToken(row, this.masterKey);
    const hidden = row.sealedSettings
      ? Object.fromEntries(sensitiveNames(providerOf(row.provider)).map((name) => [name, REDACTED]))
      : {};
    const sealedNames = new Set(Object.keys(openSettings(row, this.masterKey)));
    return {
      id: row.id,
      tenantId: row.tenantId,
      provider: row.provider,
      name: row.name,
      enabled: row.enabled,
      url: `${this.config.http.publicUrl}/in/${token}`,
      settings: {
        ...(row.settings as object),
        ...Object.fromEntries(Object.entries(hidden).filter(([name]) => sealedNames.has(name))),
      },
      secrets: row.secrets.map(({ id, createdAt, expiresAt, lastUsedAt }) => ({
        id,
        createdAt,
        expiresAt,
        lastUsedAt,
      })),
      acceptedCount: Number(counter?.acceptedCount ?? 0),
      duplicateCount: Number(counter?.duplicateCount ?? 0),
      refusedCount: Number(counter?.refusedCount ?? 0),
      lastAcceptedAt: counter?.lastAcceptedAt ?? null,
      lastRefusedAt: counter?.lastRefusedAt ?? null,
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
    };
  }

  private settingColumns(id: string, provider: Provider, settings: Record<string, unknown>) {
    const secretNames = sensitiveNames(provider);
    const pick = (secret: boolean) =>
      Object.fromEntries(Object.entries(settings).filter(([name]) => secretNames.includes(name) === secret));
    const hidden = pick(true);
    return {
      settings: pick(false),
      sealedSettings:
        Object.keys(hidden).length > 0 ? seal(JSON.stringify(hidden), this.masterKey, `sources:${id}:settings`) : null,
    };
  }

  /** Who sends the settings back as they were shown means the secret ones to stay. */
  private withHiddenKept(row: SourceWithSecrets, provider: Provider, settings: Record<string, unknown>) {
    const stored = openSettings(row, this.masterKey);
    const kept = sensitiveNames(provider).filter((name) => settings[name] === REDACTED);
    return { ...settings, ...Object.fromEntries(kept.map((name) => [name, stored[name]])) };
  }

  private sealed(secret: string): SealedSecret {
    const id = newId();
    return { id, ciphertext: seal(secret, this.masterKey, `source_secrets:${id}`) };
  }

  private get masterKey(): Buffer {
    return this.config.security.masterKey as Buffer;
  }
}

function providerOf(name: string): Provider {
  const provider = findProvider(name);
  if (!provider) throw new Error(`there is no provider ${name}`);
  return provider;
}

/** A secret of ours where the provider takes one, unless the owner wants to do without. */
function madeByUs(provider: Provider, settings: Record<string, unknown>): boolean {
  return provider.secret.madeBy === 'you' && provider.secret.kind !== 'none' && settings.allowUnsigned !== true;
}

function checkSecret(provider: Provider, secret: string | undefined): void {
  if (secret === undefined) return;
  if (provider.secret.kind === 'none') {
    throw invalidField('/secret', `A source of ${provider.title} has no secret. ${provider.secret.about}`);
  }
  if (secret.trim() !== secret || secret === '')
    throw invalidField('/secret', 'The secret begins or ends with a blank: paste it without.');
}

function checkSettings(provider: Provider, settings: Record<string, unknown>): void {
  const problems = settingProblems(provider, settings);
  if (problems.length === 0) return;
  throw new AppError('invalid_request', {
    detail: problems.map((problem) => problem.detail).join(' '),
    errors: problems.map(({ pointer, detail }) => ({ pointer: `/settings${pointer}`, detail })),
  });
}
