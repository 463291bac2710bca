import type { INestApplication, Type } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { ApiExtension, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { Config } from '../config/env.js';
import { OWN_IDEMPOTENCY } from './idempotency.interceptor.js';
import { completeOperations, ROUTE, type RouteFacts } from './openapi-completer.js';
import { refineSchemas, rulesOf, sorted } from './openapi-refiner.js';
import { Problem } from './problem.dto.js';
import { accessOf } from './route-access.js';

const DESCRIPTION = `Webhooks out, webhooks in, nothing lost.

- **Credentials**: \`Authorization: Bearer <session token or API key>\`, or \`X-API-Key\`. Which scope an operation needs stands with it.
- **Errors** are \`application/problem+json\` (RFC 9457), with a \`code\` that does not change.
- **Lists** take \`limit\` and \`cursor\` and are newest first; \`nextCursor\` leads to the next page.
- **Idempotency-Key** on a POST: the same key with the same request within 24 hours gets the same answer, and nothing happens twice.
- **Times** are ISO 8601 in UTC, **ids** UUIDs (version 7).`;

/** In the order in which one meets them. */
const TAGS: Record<string, string> = {
  Events: 'What happened: accepted, kept, delivered to every subscription that matches.',
  Outbox: 'What hosts emitted in transactions of their own and is no event yet.',
  'Event types': 'The catalog: built-in vocabularies and the tenant’s own types, with schema and sample.',
  Subscriptions: 'Who gets which events, where and how.',
  Deliveries: 'One event due to one subscription, with every attempt on record.',
  Statistics: 'Attempts counted by the hour: how many, how well, how fast.',
  Sources: 'The entry points of providers: a URL, a secret, a verifier.',
  Connections: 'Credentials for providers’ own APIs: what they can do, and the webhooks they register.',
  Routes: 'From an inbound event to an outbound one, without code.',
  'Inbound events': 'What workflows and providers sent in, and what became of it.',
  'Providers: fixed paths': 'Where the providers of the MedFlow and Calendly guides send.',
  Exports: 'Data that leaves: files made in the background, and the record of every export.',
  Contacts: 'The people a tenant’s product is about, with their tags and custom fields; what they may ask for.',
  Imports: 'Files of contacts, checked row by row and written in the background.',
  Jobs: 'Work in the background that takes longer than a request.',
  'CRM: subscriptions': 'Subscriptions with the paths and names of the CRM guide.',
  'FlowKick: webhooks': 'Subscriptions with the paths and names of the FlowKick guide.',
  'FlowKick: exports': 'Contacts as CSV and JSON, as the FlowKick guide has them.',
  Authentication: 'Logging in and out, and who one is.',
  Tenant: 'The tenant of the credential and its settings.',
  Members: 'The persons who may log in.',
  'API keys': 'The credentials of machines.',
  'Audit log': 'Who did what to what.',
  Platform: 'For the operator of the installation, with PLATFORM_TOKEN.',
  Health: 'For load balancers and supervisors.',
};

/** The description of the API, complete and in a stable order. */
export function openApiDocument(app: INestApplication, config: Config): OpenAPIObject {
  annotateRoutes(app);
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Posthaste')
    .setDescription(DESCRIPTION)
    .setVersion(config.version)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', bearerFormat: 'phs_… or phk_…', description: 'A session token or an API key.' },
      'bearer',
    )
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key (phk_…).' }, 'api-key')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-Tenant-ID', description: 'The id of its tenant.' }, 'tenant-id')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', bearerFormat: 'text', description: 'PLATFORM_TOKEN.' },
      'platform',
    );
  const document = SwaggerModule.createDocument(app, builder.build(), {
    autoTagControllers: false,
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
    extraModels: [Problem],
  });
  completeOperations(document, TAGS);
  refineSchemas(document);
  return sorted(document);
}

/** Puts what the decorators of each route say beside what Swagger reads of it. */
function annotateRoutes(app: INestApplication): void {
  const scanner = new MetadataScanner();
  for (const module of app.get(ModulesContainer, { strict: false }).values()) {
    for (const { metatype } of module.controllers.values()) {
      const controller = metatype as Type;
      for (const name of scanner.getAllMethodNames(controller.prototype)) {
        const handler = controller.prototype[name] as object;
        const classes = (Reflect.getMetadata('design:paramtypes', controller.prototype, name) ?? []) as Type[];
        const facts: RouteFacts = {
          access: accessOf(handler, controller),
          ownIdempotency: Reflect.hasMetadata(OWN_IDEMPOTENCY, handler),
          rules: Object.assign({}, ...classes.map(rulesOf)),
        };
        ApiExtension(ROUTE, facts)(controller.prototype, name, { value: handler });
      }
    }
  }
}

/** `/openapi.json`, and a page to read and try it at `/docs`, whose scripts come from this server and not from a CDN. */
export function serveOpenApi(app: INestApplication, config: Config): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app, config), {
    jsonDocumentUrl: 'openapi.json',
    yamlDocumentUrl: 'openapi.yaml',
    customSiteTitle: 'Posthaste API',
    swaggerOptions: { persistAuthorization: true, displayRequestDuration: true, docExpansion: 'none' },
  });
}
