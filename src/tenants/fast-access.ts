import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Scope } from '../core/scopes.js';
import { Authenticator } from './authenticator.js';
import type { Principal } from './principal.js';
import { TenantSettings } from './tenant-settings.js';

/**
 * What the access guard would say of a request, where that takes no asking: the credential is remembered and good and has the
 * scope, nothing is to be counted. Null is no refusal: the guard decides then, and words it.
 */
@Injectable()
export class FastAccess {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly settings: TenantSettings,
  ) {}

  /** For routes that take any credential. */
  admit(headers: IncomingHttpHeaders, scope: Scope): Principal | null {
    const { authorization } = headers;
    const key = headers['x-api-key'];
    // With both, the guard looks whether they are the same.
    if (headers['x-admin-id'] !== undefined || (authorization !== undefined) === (key !== undefined)) return null;
    const principal = authorization?.startsWith('Bearer ')
      ? this.authenticator.recall(authorization.slice('Bearer '.length))
      : this.apiKey(key);
    if (!principal?.scopes.has(scope)) return null;
    return this.settings.peek(principal.tenantId)?.rateLimits.apiPerMinute === null ? principal : null;
  }

  /** For routes that take `X-Tenant-ID` and `X-API-Key`, and count their requests themselves. */
  admitTenantKeyed(headers: IncomingHttpHeaders, scope: Scope): Principal | null {
    if (headers['x-admin-id'] !== undefined || headers.authorization !== undefined) return null;
    const principal = this.apiKey(headers['x-api-key']);
    return principal?.tenantId === headers['x-tenant-id'] && principal?.scopes.has(scope) ? principal : null;
  }

  private apiKey(key: string | string[] | undefined): Principal | null {
    const principal = typeof key === 'string' ? this.authenticator.recall(key) : null;
    return principal?.kind === 'api-key' ? principal : null;
  }
}
