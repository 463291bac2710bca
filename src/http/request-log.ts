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

/** One wide line for each request, its id in the answer, and its place in the metrics. */
export function logRequests(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
  });
  fastify.addHook('onResponse', async (request: FastifyRequest, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.httpRequests.inc({ method: request.method, route, status: statusClass(reply.statusCode) });
    metrics.httpSeconds.observe(reply.elapsedTime / 1000);
    const level = reply.statusCode >= 500 ? 'error' : QUIET.has(route) && reply.statusCode < 400 ? 'debug' : 'info';
    if (!logger.isLevelEnabled(level)) return;
    logger[level](
      {
        requestId: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime),
        tenantId: request.principal?.tenantId,
        principal: request.principal?.id,
      },
      'request',
    );
  });
}
