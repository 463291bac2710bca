import type { Provider } from '../core/provider-signatures/provider.js';
import { open } from '../core/secret.js';
import type { SourceWithSecrets } from './source.store.js';

/** The names of a provider's settings that are secrets themselves, such as Meta's verify token: stored encrypted, never shown. */
export function sensitiveNames(provider: Provider): string[] {
  return provider.settings.filter((spec) => 'sensitive' in spec && spec.sensitive).map((spec) => spec.name);
}

/** The secret settings of a source; empty when it has none. */
export function openSettings(row: SourceWithSecrets, masterKey: Buffer): Record<string, unknown> {
  if (!row.sealedSettings) return {};
  return JSON.parse(open(row.sealedSettings, masterKey, `sources:${row.id}:settings`)) as Record<string, unknown>;
}

/** The token of the source's URL. */
export function openToken(row: SourceWithSecrets, masterKey: Buffer): string {
  return open(row.sealedToken, masterKey, `sources:${row.id}:token`);
}

export interface OpenedSecret {
  id: string;
  value: string;
  /** Null: the current one. */
  expiresAt: Date | null;
}

/** Newest first. */
export function openSecrets(row: SourceWithSecrets, masterKey: Buffer): OpenedSecret[] {
  return row.secrets.map(({ id, ciphertext, expiresAt }) => ({
    id,
    value: open(ciphertext, masterKey, `source_secrets:${id}`),
    expiresAt,
  }));
}
