import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { isUuid, newId } from '../core/ids.js';
import { REDACTED } from '../core/provider-signatures/redact.js';
import { urlProblem } from '../core/url-policy.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { checkedAs } from '../http/validation.pipe.js';
import type {
  ConnectionCheck,
  ConnectionQuery,
  ConnectionView,
  CreateConnection,
  RegisteredWebhookView,
  UpdateConnection,
} from './connection.dto.js';
import { type ConnectionRow, ConnectionStore, type ConnectionWebhook } from './connection.store.js';
import { ConnectionClients } from './connection-clients.js';
import { type ConnectionProviderName, connectionProvider } from './connection-providers.js';
import { ConnectionSealer, effectiveBaseUrl, setAt, settingAt } from './connection-sealer.js';

/** A tenant's credentials for providers' own APIs. */
@Injectable()
export class ConnectionService {
  constructor(
    private readonly store: ConnectionStore,
    private readonly sealer: ConnectionSealer,
    private readonly clients: ConnectionClients,
    private readonly config: Config,
    private readonly clock: Clock,
  ) {}

  /** @throws AppError invalid_request with pointers into `/credentials` and `/settings`, target_not_allowed */
  async create(tenantId: string, input: CreateConnection): Promise<ConnectionView> {
    const { provider, name, enabled = true } = input;
    const baseUrl = this.checkedBaseUrl(provider, input.baseUrl ?? null);
    const credentials = await this.checkedCredentials(provider, input.credentials);
    const settings = await this.checkedSettings(provider, input.settings ?? {});
    const id = newId();
    const row = await this.store.create(tenantId, {
      id,
      provider,
      name,
      enabled,
      baseUrl,
      credentials: this.sealer.sealCredentials(id, credentials),
      ...this.sealer.sealSettings(id, provider, settings),
    });
    return this.present(row);
  }

  async get(tenantId: string, id: string): Promise<ConnectionView> {
    return this.present(await this.getRow(tenantId, id));
  }

  async list(tenantId: string, query: ConnectionQuery): Promise<Page<ConnectionView>> {
    const rows = await this.store.list(tenantId, query.provider, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, (row) => this.present(row));
  }

  /** Fields that are absent stay as they are; `credentials` and `settings` are replaced whole. */
  async update(tenantId: string, id: string, input: UpdateConnection): Promise<ConnectionView> {
    const current = await this.getRow(tenantId, id);
    const provider = current.provider as ConnectionProviderName;
    const baseUrl = input.baseUrl === undefined ? current.baseUrl : this.checkedBaseUrl(provider, input.baseUrl);
    if (!input.credentials) this.refuseToMove(current, { ...current, baseUrl });
    const credentials = input.credentials && (await this.checkedCredentials(provider, input.credentials));
    const settings =
      input.settings && (await this.checkedSettings(provider, this.withHiddenKept(current, input.settings)));
    if (settings && !input.credentials) this.refuseToMoveBySettings(current, settings);
    const row = await this.store.update(tenantId, id, current.version, {
      ...(input.name !== undefined && { name: input.name }),
      ...(input.enabled !== undefined && { enabled: input.enabled }),
      baseUrl,
      ...(credentials && { credentials: this.sealer.sealCredentials(id, credentials) }),
      ...(settings && this.sealer.sealSettings(id, provider, settings)),
    });
    if (row) return this.present(row);
    throw new AppError('conflict', {
      detail: 'Somebody else changed this connection just now: read it and try again.',
    });
  }

  /** Asks the provider what these credentials can do; changes nothing there. */
  async check(tenantId: string, id: string): Promise<ConnectionCheck> {
    const { client } = this.clients.of(await this.getRow(tenantId, id));
    const abilities = await client.check();
    return { ok: abilities.every(({ ok }) => ok), checkedAt: this.clock.now(), abilities };
  }

  async getRow(tenantId: string, id: string): Promise<ConnectionRow> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('connection', id);
    return row;
  }

  present(row: ConnectionRow): ConnectionView {
    return {
      id: row.id,
      tenantId: row.tenantId,
      provider: row.provider,
      name: row.name,
      enabled: row.enabled,
      baseUrl: effectiveBaseUrl(row),
      settings: this.sealer.present(row),
      webhook: row.webhook && presentWebhook(row.webhook),
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
    };
  }

  private checkedBaseUrl(provider: ConnectionProviderName, given: string | null): string | null {
    if (given !== null) {
      this.checkUrl('/baseUrl', given);
      if (new URL(given).search)
        throw invalidField('/baseUrl', 'The base URL has no query (?…): paths are added to it.');
      return given.replace(/\/+$/, '');
    }
    const { baseUrl, title } = connectionProvider(provider);
    if (baseUrl === null) throw invalidField('/baseUrl', `${title} has no cloud: give the URL of your server.`);
    return null;
  }

  private checkUrl(pointer: string, url: string): void {
    const problem = urlProblem(url, this.config.delivery.allowedTargets);
    if (problem) throw invalidField(pointer, problem, 'target_not_allowed');
  }

  private async checkedCredentials(provider: ConnectionProviderName, given: object): Promise<object> {
    const { credentials, credentialsProblem } = connectionProvider(provider);
    const checked = await checkedAs(credentials, given, '/credentials');
    const problem = credentialsProblem(checked);
    if (problem) throw invalidField('/credentials', problem);
    return checked;
  }

  private async checkedSettings(provider: ConnectionProviderName, given: object): Promise<Record<string, unknown>> {
    const { settings, urlSettings } = connectionProvider(provider);
    const checked = (await checkedAs<object>(settings, given, '/settings')) as Record<string, unknown>;
    for (const path of urlSettings) {
      const url = settingAt(checked, path);
      if (typeof url === 'string') this.checkUrl(`/settings/${path.replaceAll('.', '/')}`, url);
    }
    return checked;
  }

  /** Who sends the settings back as they were shown means the secret ones to stay. */
  private withHiddenKept(row: ConnectionRow, given: Record<string, unknown>): Record<string, unknown> {
    const stored = this.sealer.settings(row);
    const settings = structuredClone(given);
    for (const path of connectionProvider(row.provider).secretSettings) {
      if (settingAt(settings, path) !== REDACTED) continue;
      // What is not shown does not move to another server, or whoever may change the URL could read it there.
      const parent = path.split('.').slice(0, -1);
      const url = [...parent, 'url'].join('.');
      const moves = originOf(settingAt(settings, url)) !== originOf(settingAt(stored, url));
      const pointer = `/settings/${path.replaceAll('.', '/')}`;
      if (moves) throw invalidField(pointer, 'The URL leads to another server now: give this secret again in full.');
      setAt(settings, path, settingAt(stored, path));
    }
    return settings;
  }

  private refuseToMove(before: ConnectionRow, after: ConnectionRow): void {
    if (originOf(effectiveBaseUrl(before)) === originOf(effectiveBaseUrl(after))) return;
    throw invalidField('/credentials', 'The base URL leads to another server now: give the credentials again.');
  }

  private refuseToMoveBySettings(before: ConnectionRow, after: Record<string, unknown>): void {
    const stored = this.sealer.settings(before);
    if (originOf(settingAt(stored, 'tokenUrl')) === originOf(after.tokenUrl)) return;
    throw invalidField('/credentials', 'tokenUrl leads to another server now: give the credentials again.');
  }
}

export function presentWebhook(webhook: ConnectionWebhook): RegisteredWebhookView {
  const { sourceId, url, events, externalId, registeredAt } = webhook;
  return { sourceId, url, events, externalId, registeredAt };
}

function originOf(url: unknown): string | null {
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).origin : null;
}
