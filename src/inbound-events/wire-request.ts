import type { FastifyRequest } from 'fastify';
import type { WireRequest } from './event-receiver.js';

/** What came off the wire, of a route whose body is raw (http/raw-body). */
export function wireRequest(request: FastifyRequest): WireRequest {
  return {
    method: request.method,
    url: request.raw.url ?? request.url,
    rawHeaders: request.raw.rawHeaders,
    rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    remoteAddress: request.ip,
  };
}

/** The first value of a header as it was sent: `headers` may hold what led the body past the parsers. */
export function rawHeader(request: FastifyRequest, name: string): string | undefined {
  const { rawHeaders } = request.raw;
  const at = rawHeaders.findIndex((one, i) => i % 2 === 0 && one.toLowerCase() === name);
  return at < 0 ? undefined : rawHeaders[at + 1];
}
