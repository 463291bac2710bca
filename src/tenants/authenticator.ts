import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { AppError } from '../core/errors.js';
import { tokenKey } from '../core/secret.js';
import { type Credential, CredentialStore } from './credential.store.js';
import { CredentialCache } from './credential-cache.js';
import { isSessionToken, publicIdOf } from './credential-format.js';
import { LastUsedRecorder } from './last-used-recorder.js';
import type { Principal } from './principal.js';

const refuse = (detail: string) => new AppError('unauthenticated', { detail });

/** From the text a request presents to who makes it. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly clock: Clock,
    private readonly cache: CredentialCache,
    private readonly store: CredentialStore,
    private readonly lastUsed: LastUsedRecorder,
  ) {}

  /** @throws `unauthenticated`: unknown, revoked or expired; the last two are told only to who presents the whole credential. */
  async authenticate(token: string): Promise<Principal> {
    const key = tokenKey(token);
    const credential = this.cache.peek(key) ?? (await this.cache.load(key, () => this.read(token)));
    if (!credential) throw refuse(unknownDetail(token));
    const now = this.clock.now();
    const noun = credential.table === 'sessions' ? 'session' : 'API key';
    if (credential.revokedAt) {
      const how =
        noun === 'session' ? 'was ended. Log in again.' : `was revoked at ${credential.revokedAt.toISOString()}.`;
      throw refuse(`This ${noun} ${how}`);
    }
    if (credential.expiresAt && credential.expiresAt <= now) {
      const whatToDo = noun === 'session' ? 'Log in again.' : 'Use the key that replaced it, or create one.';
      throw refuse(`This ${noun} expired at ${credential.expiresAt.toISOString()}. ${whatToDo}`);
    }
    this.lastUsed.note(credential, now);
    return credential.principal;
  }

  /** Whom a credential names that is remembered and good; null when only `authenticate` can tell. */
  recall(token: string): Principal | null {
    const credential = this.cache.peek(tokenKey(token));
    if (!credential || credential.revokedAt) return null;
    const now = this.clock.now();
    if (credential.expiresAt && credential.expiresAt <= now) return null;
    this.lastUsed.note(credential, now);
    return credential.principal;
  }

  private async read(token: string): Promise<{ tenantId: string; value: Credential } | null> {
    const publicId = publicIdOf(token);
    const credential = publicId
      ? await this.store.findApiKeyAcrossTenants(publicId, token)
      : isSessionToken(token)
        ? await this.store.findSessionAcrossTenants(token)
        : null;
    return credential && { tenantId: credential.principal.tenantId, value: credential };
  }
}

function unknownDetail(token: string): string {
  if (publicIdOf(token)) return 'The API key is unknown or its secret part is wrong.';
  if (isSessionToken(token)) return 'The session token is unknown. Log in again.';
  return 'The credential is neither a session token (phs_…) nor an API key (phk_<id>_<secret>): is it complete?';
}
