import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { mergeMap, type Observable } from 'rxjs';
import { AUDITED } from './access.decorator.js';
import { AuditLog, actorOf, originOf } from './audit-log.js';

/** Records every successful call of a route marked @Audited, before it is answered: no answered act is missing from the log. */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly log: AuditLog,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const action = this.reflector.get<string | undefined>(AUDITED, context.getHandler());
    if (!action) return next.handle();
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    return next.handle().pipe(
      mergeMap(async (answer: unknown) => {
        await this.record(action, request, answer);
        return answer;
      }),
    );
  }

  private async record(action: string, request: FastifyRequest, answer: unknown): Promise<void> {
    const { principal } = request;
    if (!principal) return;
    const adminId = request.headers['x-admin-id'];
    await this.log.record(principal.tenantId, {
      actor: actorOf(principal),
      action,
      targetId: targetId(request, answer),
      // Names of the fields only: their values may be secrets.
      details: {
        ...(isObject(request.body) && { fields: Object.keys(request.body) }),
        ...(adminId !== undefined && { adminId: String(adminId) }),
      },
      ...originOf(request),
    });
  }
}

/** The route's id, or the answer's, or that of the thing inside the answer (`{success, webhook: {id}}`). */
function targetId(request: FastifyRequest, answer: unknown): string | null {
  const params = isObject(request.params) ? request.params : {};
  const things = isObject(answer) ? [answer, ...Object.values(answer).filter(isObject)] : [];
  const ids = [params.id, ...things.map((thing) => thing.id), ...Object.values(params)];
  return ids.find((id): id is string => typeof id === 'string') ?? null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}
