import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { Config } from '../config/env.js';

const DESCRIPTION = `Webhooks out, webhooks in, nothing lost.

Send \`Authorization: Bearer <session token or API key>\`, or \`X-API-Key\`. Errors are \`application/problem+json\` (RFC 9457).
Lists take \`limit\` and \`cursor\`. Every POST that creates takes an \`Idempotency-Key\`.`;

export function openApiDocument(app: INestApplication, config: Config): OpenAPIObject {
  const document = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Posthaste')
    .setDescription(DESCRIPTION)
    .setVersion(config.version)
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'A session token (phs_…) or an API key (phk_…).' })
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key' }, 'api-key')
    .addSecurityRequirements('bearer')
    .addSecurityRequirements('api-key')
    .build();
  return SwaggerModule.createDocument(app, document, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
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
