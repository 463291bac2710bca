import type { FastifyInstance, FastifyRequest } from 'fastify';
import { logger } from '../observability/logger.js';
import { metrics, statusClass } from '../observability/metrics.js';

// Accepted events have their own line for each commit ("events accepted", "inbound events accepted"); health checks come every few seconds.
const QUIET = new Set([
  '/api/v1/events',
  '/api/v1/events/batch',
  '/api/webhooks/:event_name',
  '/in/:token',
  '/in/:token/*',
  '/health/live',
  '/health/ready',
]);

/** A request that was answered. */
export interface AnsweredRequest {
  id: string;
  method: string;
  /** Its pattern, such as `/api/v1/events/:id`. */
  route: string;
  status: number;
  durationMs: number;
  principal: { tenantId: string; id: string } | undefined;
}

/** One wide line for a request, and its place in the metrics. */
export function logRequest({ id, method, route, status, durationMs, principal }: AnsweredRequest): void {
  metrics.httpRequests.inc({ method, route, status: statusClass(status) });
  metrics.httpSeconds.observe(durationMs / 1000);
  const level = status >= 500 ? 'error' : QUIET.has(route) && status < 400 ? 'debug' : 'info';
  if (!logger.isLevelEnabled(level)) return;
  logger[level](
    {
      requestId: id,
      method,
      route,
      status,
      durationMs: Math.round(durationMs),
      tenantId: principal?.tenantId,
      principal: principal?.id,
    },
    'request',
  );
}

/** Does this for each request that Fastify answers, and names it in the answer. */
export function logRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  fastify.addHook('onResponse', (request: FastifyRequest, reply, done) => {
    logRequest({
      id: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
      principal: request.principal,
    });
    done();
  });
}
