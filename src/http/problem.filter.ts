import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, NotFoundException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, ERRORS, type ErrorCode } from '../core/errors.js';
import { logger } from '../observability/logger.js';
import { KnownRoutes } from './known-routes.js';
import type { Problem } from './problem.dto.js';

// What the framework itself refuses, before a controller is reached.
const BY_FASTIFY_CODE: Record<string, [ErrorCode, string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'The body is larger than this server accepts.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'Send "content-type: application/json".'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['unparsable_body', 'The body is empty. Send a JSON object.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['unparsable_body', 'The body is not as long as content-length says.'],
};

const BY_STATUS: Record<number, ErrorCode> = {
  400: 'unparsable_body',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'route_not_found',
  405: 'method_not_allowed',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  422: 'invalid_request',
  429: 'rate_limited',
  503: 'unavailable',
};

/** Any thrown thing as a catalogued refusal; what we did not foresee becomes `internal` and tells nothing. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const error = thrown as { code?: unknown; statusCode?: unknown; status?: unknown; message?: string };
  const known = typeof error?.code === 'string' ? BY_FASTIFY_CODE[error.code] : undefined;
  if (known) return new AppError(known[0], { detail: known[1] });
  const status = thrown instanceof HttpException ? thrown.getStatus() : Number(error?.statusCode);
  const code = BY_STATUS[status];
  if (code === 'unparsable_body' && thrown instanceof SyntaxError) {
    return new AppError(code, { detail: `The body is not valid JSON: ${error.message}` });
  }
  if (code) return new AppError(code, error.message ? { detail: error.message } : {});
  return new AppError('internal', {
    detail:
      'The request failed for a reason on our side; nothing was accepted. Try again, or name the requestId to the operator.',
  });
}

export interface ProblemAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** The one place where an exception becomes an answer: `application/problem+json`. */
export function problemAnswer(thrown: unknown, request: { id: string; url: string }): ProblemAnswer {
  const error = toAppError(thrown);
  if (error.status >= 500) logger.error({ requestId: request.id, err: thrown }, 'request failed');
  const problem: Problem = {
    type: `https://posthaste.dev/errors/${error.code}`,
    title: ERRORS[error.code].title,
    status: error.status,
    detail: error.message,
    instance: request.url.split('?', 1)[0] as string,
    code: error.code,
    requestId: request.id,
    ...(error.details.errors && { errors: error.details.errors }),
  };
  return {
    status: error.status,
    headers: {
      ...error.details.headers,
      ...(error.status === 401 && { 'www-authenticate': 'Bearer realm="posthaste"' }),
      'content-type': 'application/problem+json; charset=utf-8',
    },
    body: JSON.stringify(problem),
  };
}

/** Answers what a route, or the way to it, has thrown. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly routes: KnownRoutes) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const refusal = thrown instanceof NotFoundException ? this.routes.refusalOf(request.method, request.url) : thrown;
    const { status, headers, body } = problemAnswer(refusal, request);
    http.getResponse<FastifyReply>().status(status).headers(headers).send(body);
  }
}
