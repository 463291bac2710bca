import type { KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../config/env.js';
import { AppError } from '../core/errors.js';
import { isUuid, newId } from '../core/ids.js';
import { open, seal } from '../core/secret.js';
import { newSigningKeyPair, privateKeyOf, publicJwk, publicKeyText } from '../core/signing-key.js';
import type { WebhookKeySet } from './signing-key.dto.js';
import { type NewSigningKey, SigningKeyStore } from './signing-key.store.js';

/** The tenants' ed25519 keys: one each, made when the first subscription asks for `v1a` signatures. */
@Injectable()
export class SigningKeyService {
  constructor(
    private readonly config: Config,
    private readonly store: SigningKeyStore,
  ) {}

  /** The key that signs for the tenant; made on first use. @throws AppError not_found when the tenant is gone */
  async privateKey(tenantId: string): Promise<KeyObject> {
    const row = (await this.store.findCurrent(tenantId)) ?? (await this.store.createFirst(tenantId, this.newKey()));
    if (!row) throw new AppError('not_found', { detail: `There is no tenant with the id "${tenantId}".` });
    return privateKeyOf(open(row.privateKey, this.masterKey, boundTo(row.id)));
  }

  /**
   * The public keys as a JSON Web Key Set. A tenant without keys and one that does not exist get the same answer:
   * the route is open to everybody and tells nobody who is a customer.
   * @throws AppError not_found
   */
  async keySet(idOrSlug: string): Promise<WebhookKeySet> {
    const tenant = isUuid(idOrSlug) ? { id: idOrSlug } : { slug: idOrSlug };
    const rows = await this.store.listPublishedAcrossTenants(tenant);
    if (rows.length === 0) throw new AppError('not_found', { detail: `There are no webhook keys of "${idOrSlug}".` });
    return { keys: rows.map((row) => ({ ...publicJwk(row.publicKey, row.id), whpk: publicKeyText(row.publicKey) })) };
  }

  private newKey(): NewSigningKey {
    const id = newId();
    const { privateText, publicBytes } = newSigningKeyPair();
    const privateKey = seal(privateText, this.masterKey, boundTo(id));
    return { id, privateKey, publicKey: new Uint8Array(publicBytes) };
  }

  private get masterKey(): Buffer {
    return this.config.security.masterKey as Buffer;
  }
}

const boundTo = (id: string) => `signing_keys:${id}`;
