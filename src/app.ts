import type { ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from './app.module.js';
import type { Config } from './config/env.js';
import { Clock } from './core/clock.js';
import { newId } from './core/ids.js';
import { parseQuery } from './core/query-string.js';
import { FastLane } from './http/fast-lane.js';
import { KnownRoutes } from './http/known-routes.js';
import { serveOpenApi } from './http/openapi.js';
import { ProblemFilter } from './http/problem.filter.js';
import { takeRawBodies } from './http/raw-body.js';
import { logRequests } from './http/request-log.js';
import { dtoPipe } from './http/validation.pipe.js';
import { NestLogger } from './observability/logger.js';

/** The application of one process, ready to listen. Tests build theirs here too, with a clock that they move. */
export async function createApp(
  config: Config,
  databaseUrl: string,
  clock = new Clock(),
  furtherModules: NonNullable<ModuleMetadata['imports']> = [],
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    bodyLimit: config.http.bodyLimitBytes,
    trustProxy: config.http.trustProxy,
    genReqId: () => newId(),
    routerOptions: { querystringParser: parseQuery },
    // Answers that are under way are finished; idle connections do not hold up the end.
    forceCloseConnections: 'idle',
  });
  const root = AppModule.forRoot(config, databaseUrl, clock, furtherModules);
  const app = await NestFactory.create<NestFastifyApplication>(root, adapter, {
    rawBody: true,
    // JSON and nothing else: a form would be taken for an object of texts.
    bodyParser: false,
    logger: new NestLogger(),
  });
  app.useBodyParser('application/json', { bodyLimit: config.http.bodyLimitBytes });
  const fastify = app.getHttpAdapter().getInstance();
  fastify.removeContentTypeParser('text/plain');
  const routes = new KnownRoutes();
  routes.watch(fastify);
  app.useGlobalPipes(dtoPipe());
  app.useGlobalFilters(new ProblemFilter(routes));
  logRequests(fastify);
  takeRawBodies(fastify, config.inbound.bodyLimitBytes);
  if (config.roles.includes('api')) {
    app.get(FastLane).open(fastify, routes);
    serveOpenApi(app, config);
  } else {
    fastify.addHook('onRequest', async (request, reply) => {
      if (!request.url.startsWith('/health/') && request.url !== '/metrics')
        await reply.status(404).send('This process is a worker: it answers /health/* and /metrics only.\n');
    });
  }
  return app;
}
