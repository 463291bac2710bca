import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.js';
import type { Scope } from '../core/scopes.js';
import { PUBLIC, SCOPE, TENANT_KEYED } from '../http/route-access.js';
import { Authenticator } from './authenticator.js';
import { apiKeyHeader, bearerToken } from './credential-strategies.js';
import type { Principal } from './principal.js';
import { RateLimiter } from './rate-limiter.js';
import { TenantSettings } from './tenant-settings.js';

const HOW_TO = 'Send "Authorization: Bearer <session token or API key>" or "X-API-Key: <key>".';

/** Runs passport strategies, first match wins, and puts the principal on the request. */
function passportGuard(strategies: string[], authenticator: Authenticator): CanActivate {
  return new (class extends AuthGuard(strategies) {
    override getAuthenticateOptions() {
      return { session: false, property: 'principal', authenticator };
    }

    override handleRequest<T>(error: unknown, principal: T, _info: unknown, context: ExecutionContext): T {
      if (error) throw error;
      if (!principal) throw new AppError('unauthenticated', { detail: withoutCredential(requestOf(context)) });
      return principal;
    }
  })();
}

const requestOf = (context: ExecutionContext) => context.switchToHttp().getRequest<FastifyRequest>();

function withoutCredential(request: FastifyRequest): string {
  if (request.headers['x-admin-id'] === undefined) return `The request has no credential. ${HOW_TO}`;
  return `X-Admin-ID says who you are but does not prove it, so it is not a credential. ${HOW_TO}`;
}

/** Every route that is not @Public needs a credential, and the scope it names (@RequireScope). */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly anyCredential: CanActivate;
  private readonly tenantKey: CanActivate;

  constructor(
    private readonly reflector: Reflector,
    private readonly settings: TenantSettings,
    private readonly limiter: RateLimiter,
    authenticator: Authenticator,
  ) {
    this.anyCredential = passportGuard(['bearer', 'api-key'], authenticator);
    this.tenantKey = passportGuard(['tenant-key'], authenticator);
  }

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const route = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(PUBLIC, route)) return true;
    const request = requestOf(context);
    refuseTwoCredentials(request);
    const tenantKeyed = this.reflector.getAllAndOverride<boolean>(TENANT_KEYED, route);
    await (tenantKeyed ? this.tenantKey : this.anyCredential).canActivate(context);
    const principal = request.principal as Principal;
    checkAdminId(request, principal);
    if (!tenantKeyed) await this.checkApiRate(principal.tenantId);
    const scope = this.reflector.getAllAndOverride<Scope | undefined>(SCOPE, route);
    if (scope && !principal.scopes.has(scope)) throw missingScope(scope, principal);
    return true;
  }

  /** Unlimited until the tenant sets `rateLimits.apiPerMinute`. Inbound requests have a limit of their own. */
  private async checkApiRate(tenantId: string): Promise<void> {
    const { apiPerMinute } = (await this.settings.get(tenantId)).rateLimits;
    if (apiPerMinute === null) return;
    const limit = { name: 'api', requests: apiPerMinute, windowS: 60 };
    await this.limiter.consume(
      limit,
      tenantId,
      `The tenant's limit of ${apiPerMinute} API requests a minute is used up.`,
    );
  }
}

/** Which of the two would count could only be guessed, and the wrong guess writes to the wrong tenant. */
function refuseTwoCredentials(request: FastifyRequest): void {
  const key = apiKeyHeader(request);
  if (key === null || request.headers.authorization === undefined) return;
  if (bearerToken(request) === key) return;
  throw new AppError('unauthenticated', {
    detail: 'The request has two different credentials, in Authorization and in X-API-Key. Send one of them.',
  });
}

/** `X-Admin-ID`, when sent, must name the holder of the credential (product.md, decision 6). */
function checkAdminId(request: FastifyRequest, principal: Principal): void {
  const sent = request.headers['x-admin-id'];
  if (sent === undefined) return;
  const names = principal.kind === 'member' ? [principal.id, principal.email] : [principal.id, principal.publicId];
  if (names.includes(String(sent).trim().toLowerCase())) return;
  const noun = principal.kind === 'member' ? 'your member id or e-mail' : "the API key's id or public id";
  throw new AppError('admin_id_mismatch', {
    detail: `X-Admin-ID is "${sent}", which is not the holder of the credential. Send ${noun}, or leave the header out.`,
  });
}

function missingScope(scope: Scope, principal: Principal): AppError {
  const holder = principal.kind === 'member' ? `Your role (${principal.role})` : `The API key "${principal.name}"`;
  return new AppError('missing_scope', { detail: `This needs the scope "${scope}". ${holder} does not have it.` });
}
