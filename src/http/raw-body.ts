import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../core/errors.js';

/** What `@RouteConfig` may say of a route: its body arrives as the bytes that were sent, whatever their content type. */
export interface RawBodyRoute {
  rawBody?: {
    /** Bodies with media inside: the larger limit holds. */
    large: boolean;
  };
  /** Its body arrives as a stream, of any length: the route reads as much as it wants. */
  streamedBody?: true;
}

// No sender uses it: it only leads the bytes of a marked route past the parsers of content types.
const RAW = 'application/x-posthaste-raw-body';
const STREAMED = 'application/x-posthaste-streamed-body';

/**
 * Gives routes marked `rawBody` a Buffer as their body (undefined where the method has none). A signature covers bytes, so
 * nothing may parse them before it is checked; and senders lie about content types.
 * Compressed bodies are refused on every route: a few kilobytes of gzip may hold gigabytes.
 */
export function takeRawBodies(fastify: FastifyInstance, largeLimitBytes: number): void {
  fastify.addHook('onRoute', (route) => {
    const config = route.config as RawBodyRoute | undefined;
    if (config?.rawBody?.large) route.bodyLimit = largeLimitBytes;
    if (config?.streamedBody) route.bodyLimit = Number.MAX_SAFE_INTEGER;
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    const refusal = compressed(request);
    if (!refusal && rawBodyOf(request)) request.headers['content-type'] = RAW;
    if (!refusal && isStreamed(request)) request.headers['content-type'] = STREAMED;
    done(refusal);
  });
  fastify.addContentTypeParser(RAW, { parseAs: 'buffer' }, (request, body, done) => {
    if (rawBodyOf(request)) done(null, body);
    else done(notOurs());
  });
  fastify.addContentTypeParser(STREAMED, (request, body, done) => {
    if (isStreamed(request)) done(null, body);
    else done(notOurs());
  });
}

function rawBodyOf(request: FastifyRequest): RawBodyRoute['rawBody'] {
  return (request.routeOptions.config as RawBodyRoute | undefined)?.rawBody;
}

function isStreamed(request: FastifyRequest): boolean {
  return (request.routeOptions.config as RawBodyRoute | undefined)?.streamedBody === true;
}

/** Somebody sent one of our own content types. */
function notOurs(): AppError {
  return new AppError('unsupported_media_type', { detail: 'Send "content-type: application/json".' });
}

function compressed(request: FastifyRequest): AppError | undefined {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding.trim().toLowerCase() === 'identity') return undefined;
  return new AppError('unsupported_media_type', {
    detail: `The body has "content-encoding: ${encoding.slice(0, 40)}". Send it uncompressed.`,
  });
}
