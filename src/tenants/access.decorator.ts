import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.js';
import type { Scope } from '../core/scopes.js';
import { PUBLIC, SCOPE, TENANT_KEYED } from '../http/route-access.js';
import type { Principal } from './principal.js';

export const AUDITED = 'access:audited';

/** The route answers without a credential. */
export const Public = () => SetMetadata(PUBLIC, true);

/** The route needs this scope; a route without it needs a credential only. */
export const RequireScope = (scope: Scope) => SetMetadata(SCOPE, scope);

/** The route is called with the pair `X-Tenant-ID` and `X-API-Key`, which must belong together (the CRM guide, "Inbound Webhooks"). */
export const TenantKeyed = () => SetMetadata(TENANT_KEYED, true);

/** A successful call is written to the audit log as `action` (`subscription.created`), before it is answered. */
export const Audited = (action: string) => SetMetadata(AUDITED, action);

function principalOf(context: ExecutionContext): Principal {
  const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
  if (!principal) throw new AppError('unauthenticated');
  return principal;
}

/** Who makes the request. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) => principalOf(context));

/** The tenant of the credential: the first argument of every store method. */
export const CurrentTenant = createParamDecorator(
  (_: unknown, context: ExecutionContext) => principalOf(context).tenantId,
);
