import { createHash } from 'node:crypto';
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  SetMetadata,
  StreamableFile,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { catchError, mergeMap, type Observable, of } from 'rxjs';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { AppError, type ErrorCode, type ErrorDetails, invalidField } from '../core/errors.js';
import { open, seal } from '../core/secret.js';
import { logger } from '../observability/logger.js';
import { IdempotencyStore } from './idempotency.store.js';
import { toAppError } from './problem.filter.js';

/** How long an answer is given again. */
export const IDEMPOTENCY_KEPT_MS = 24 * 3_600_000;
/** A request that has not been answered for so long died with its process: the key may be used anew. */
const ABANDONED_MS = 120_000;
const KEY = /^[\x21-\x7e]{1,255}$/;

export const OWN_IDEMPOTENCY = 'http:own-idempotency';
/** The route drops repeats in its own way; `Idempotency-Key` is its to read. */
export const OwnIdempotency = () => SetMetadata(OWN_IDEMPOTENCY, true);

/**
 * Refusals that are the outcome of an act and are given again, as Stripe does. All others free the key: nothing was begun
 * (400, 401, 403, 413, 415, 422, 429), or nobody knows what came of it (5xx), so the client may try again with the same key.
 */
const KEPT_REFUSALS = new Set([404, 409]);

type SavedAnswer =
  | { kind: 'answer'; body: unknown; contentType: string | null }
  | { kind: 'refusal'; code: ErrorCode; details: ErrorDetails };

/** What the tenants' guard leaves on a request. */
type Held = { tenantId: string; key: string; claimedAt: Date };

/**
 * `Idempotency-Key` on every authenticated POST: the same key with the same request within 24 h gets the same status and answer
 * (with `idempotent-replayed: true`) and nothing happens twice. Answers are kept encrypted: some show a secret once.
 */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(
    private readonly config: Config,
    private readonly clock: Clock,
    private readonly store: IdempotencyStore,
    private readonly reflector: Reflector,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest & { principal?: { tenantId: string } }>();
    const key = request.headers['idempotency-key'];
    if (key === undefined || request.method !== 'POST' || !request.principal) return next.handle();
    if (this.reflector.getAllAndOverride(OWN_IDEMPOTENCY, [context.getHandler(), context.getClass()]))
      return next.handle();
    return this.once(request.principal.tenantId, String(key), request, http.getResponse<FastifyReply>(), next);
  }

  private async once(
    tenantId: string,
    key: string,
    request: FastifyRequest,
    reply: FastifyReply,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    if (!KEY.test(key)) {
      throw invalidField(
        'header Idempotency-Key',
        'An Idempotency-Key has 1 to 255 printable ASCII characters and no spaces.',
      );
    }
    const now = this.clock.now();
    const claim = await this.store.claim(tenantId, key, requestHash(request), {
      now,
      expiredBefore: new Date(now.getTime() - IDEMPOTENCY_KEPT_MS),
      abandonedBefore: new Date(now.getTime() - ABANDONED_MS),
    });
    switch (claim.kind) {
      case 'claimed': {
        const held = { tenantId, key, claimedAt: claim.claimedAt };
        return next.handle().pipe(
          catchError(async (error) => {
            await this.keepRefusal(held, toAppError(error));
            throw error;
          }),
          mergeMap(async (body) => {
            await this.keepAnswer(held, reply, body);
            return body;
          }),
        );
      }
      case 'answered':
        return of(this.giveAgain(tenantId, key, claim.statusCode, claim.response, reply));
      case 'running':
        throw new AppError('idempotency_in_progress', {
          detail: `The first request with the Idempotency-Key "${key}" is not answered yet. Ask again in a second.`,
          headers: { 'retry-after': '1' },
        });
      case 'otherRequest':
        throw new AppError('idempotency_key_reused', {
          detail: `The Idempotency-Key "${key}" came with another path or body in the last 24 hours. Take a new key for a new request.`,
        });
    }
  }

  private giveAgain(tenantId: string, key: string, statusCode: number, response: string, reply: FastifyReply): unknown {
    const saved = JSON.parse(
      open(Buffer.from(response, 'base64'), this.masterKey, boundTo(tenantId, key)),
    ) as SavedAnswer;
    reply.header('idempotent-replayed', 'true');
    if (saved.kind === 'refusal') throw new AppError(saved.code, saved.details);
    reply.status(statusCode);
    if (saved.contentType) reply.type(saved.contentType);
    return saved.body;
  }

  private async keepAnswer(held: Held, reply: FastifyReply, body: unknown): Promise<void> {
    // An answer that is not a value but a stream, or that the route has sent itself, cannot be given again.
    if (reply.sent || body instanceof StreamableFile || Buffer.isBuffer(body)) return this.free(held);
    const contentType = (reply.getHeader('content-type') as string | undefined) ?? null;
    await this.keep(held, reply.statusCode, { kind: 'answer', body, contentType });
  }

  private async keepRefusal(held: Held, error: AppError): Promise<void> {
    if (!KEPT_REFUSALS.has(error.status)) return this.free(held);
    await this.keep(held, error.status, {
      kind: 'refusal',
      code: error.code,
      details: { ...error.details, detail: error.message },
    });
  }

  private async keep({ tenantId, key, claimedAt }: Held, statusCode: number, saved: SavedAnswer): Promise<void> {
    const response = seal(JSON.stringify(saved), this.masterKey, boundTo(tenantId, key)).toString('base64');
    // The act is done and must be answered; unkept, a repeat is told to wait and then done again.
    await this.store
      .answer(tenantId, key, claimedAt, statusCode, response)
      .catch((error) => logger.error({ err: error.message, tenantId }, 'answer of an Idempotency-Key was not kept'));
  }

  private async free({ tenantId, key, claimedAt }: Held): Promise<void> {
    await this.store
      .free(tenantId, key, claimedAt)
      .catch((error) => logger.error({ err: error.message, tenantId }, 'Idempotency-Key was not freed'));
  }

  private get masterKey(): Buffer {
    return this.config.security.masterKey as Buffer;
  }
}

const boundTo = (tenantId: string, key: string) => `idempotency_keys:${tenantId}:${key}`;

/** SHA-256 of method, path with query, and body: raw when the server keeps it, else as it was parsed. */
function requestHash(request: FastifyRequest & { rawBody?: Buffer | string }): Buffer {
  return createHash('sha256')
    .update(`${request.method} ${request.url}\n`)
    .update(request.rawBody ?? JSON.stringify(request.body ?? null))
    .digest();
}
