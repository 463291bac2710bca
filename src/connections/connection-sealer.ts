import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { REDACTED } from '../core/provider-signatures/redact.js';
import { open, seal } from '../core/secret.js';
import type { ConnectionRow } from './connection.store.js';
import {
  type ConnectionProviderName,
  type CredentialsOf,
  connectionProvider,
  type SettingsOf,
} from './connection-providers.js';

/** A connection with all that its client needs, decrypted. */
export interface KnownConnection<Name extends ConnectionProviderName = ConnectionProviderName> {
  id: string;
  tenantId: string;
  provider: Name;
  baseUrl: string;
  credentials: CredentialsOf<Name>;
  settings: SettingsOf<Name>;
  version: number;
}

type Settings = Record<string, unknown>;

/** Keeps a connection's credentials and secret settings: encrypted at rest, bound to their row, never shown. */
@Injectable()
export class ConnectionSealer {
  constructor(private readonly config: Config) {}

  open<Name extends ConnectionProviderName>(row: ConnectionRow): KnownConnection<Name> {
    const provider = row.provider as Name;
    return {
      id: row.id,
      tenantId: row.tenantId,
      provider,
      baseUrl: effectiveBaseUrl(row),
      credentials: JSON.parse(open(row.credentials, this.masterKey, boundTo(row.id, 'credentials'))),
      settings: this.settings(row) as unknown as SettingsOf<Name>,
      version: row.version,
    };
  }

  /** All settings, with the secret ones. */
  settings(row: ConnectionRow): Settings {
    const settings = structuredClone(row.settings) as Settings;
    const hidden = this.hidden(row);
    for (const [path, value] of Object.entries(hidden)) setAt(settings, path, value);
    return settings;
  }

  /** Settings as they are shown. */
  present(row: ConnectionRow): Settings {
    const settings = structuredClone(row.settings) as Settings;
    for (const path of Object.keys(this.hidden(row))) setAt(settings, path, REDACTED);
    return settings;
  }

  sealCredentials(id: string, credentials: object) {
    return seal(JSON.stringify(credentials), this.masterKey, boundTo(id, 'credentials'));
  }

  sealSettings(id: string, provider: ConnectionProviderName, settings: Settings) {
    const shown = structuredClone(settings);
    const hidden: Record<string, unknown> = {};
    for (const path of connectionProvider(provider).secretSettings) {
      const value = settingAt(shown, path);
      if (value === undefined) continue;
      hidden[path] = value;
      setAt(shown, path, undefined);
    }
    const sealedSettings =
      Object.keys(hidden).length > 0 ? seal(JSON.stringify(hidden), this.masterKey, boundTo(id, 'settings')) : null;
    return { settings: JSON.parse(JSON.stringify(shown)) as Settings, sealedSettings };
  }

  private hidden(row: ConnectionRow): Record<string, unknown> {
    if (!row.sealedSettings) return {};
    return JSON.parse(open(row.sealedSettings, this.masterKey, boundTo(row.id, 'settings')));
  }

  private get masterKey(): Buffer {
    return this.config.security.masterKey as Buffer;
  }
}

/** The provider's cloud where the tenant has named no server. */
export function effectiveBaseUrl(row: Pick<ConnectionRow, 'provider' | 'baseUrl'>): string {
  return row.baseUrl ?? connectionProvider(row.provider).baseUrl ?? '';
}

/** @param path `ai.url` */
export function settingAt(settings: Settings, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (value as Settings | undefined)?.[name], settings);
}

/** Only where the parent is there. */
export function setAt(settings: Settings, path: string, value: unknown): void {
  const names = path.split('.');
  const parent = names.length === 1 ? settings : settingAt(settings, names.slice(0, -1).join('.'));
  if (typeof parent === 'object' && parent !== null) (parent as Settings)[names.at(-1) as string] = value;
}

const boundTo = (id: string, what: string) => `connections:${id}:${what}`;
