import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { Config } from '../config/env.js';
import { newId } from '../core/ids.js';
import type { KnownRoutes } from './known-routes.js';
import { problemAnswer } from './problem.filter.js';
import { logRequest } from './request-log.js';

/** Who was let through. */
interface Caller {
  tenantId: string;
  id: string;
}

export interface LaneRequest<Who> {
  caller: Who;
  body: Buffer;
  headers: IncomingHttpHeaders;
  remoteAddress: string;
  /** What stands in the path where the route has its parameter. */
  name: string;
}

/** A POST route that is answered with 202. */
export interface LaneRoute<Who extends Caller> {
  /** As the controller declares it. A parameter can only be the last part. */
  path: string;
  /** Who may pass without anybody being asked; null sends the request the usual way, which asks, or says why not. */
  admit(headers: IncomingHttpHeaders): Who | null;
  answer(request: LaneRequest<Who>): Promise<object>;
}

const JSON_TYPE = /^application\/json(; *charset=utf-8)?$/i;
const NAME = /^[A-Za-z0-9._-]+$/;

/**
 * The short way for the few routes that are asked thousands of times a second (docs/adr/0019): a plain request with a
 * credential that is remembered goes from Node's server straight to its controller. Everything else about such routes,
 * refusals of credentials, repeats by `Idempotency-Key`, odd bodies, takes the usual way through Fastify and Nest.
 */
@Injectable()
export class FastLane {
  private readonly routes = new Map<string, LaneRoute<Caller>>();
  private known: KnownRoutes | undefined;
  private parseJson: ReturnType<FastifyInstance['getDefaultJsonParser']> | undefined;
  private closed = false;

  constructor(private readonly config: Config) {}

  add<Who extends Caller>(route: LaneRoute<Who>): void {
    this.routes.set(route.path.replace(/:\w+$/, ':'), route as unknown as LaneRoute<Caller>);
  }

  /** Puts the lane before a server's own handling of requests. */
  open(fastify: FastifyInstance, known: KnownRoutes): void {
    this.known = known;
    this.parseJson = fastify.getDefaultJsonParser('error', 'error');
    const [usual] = fastify.server.listeners('request') as [
      (request: IncomingMessage, response: ServerResponse) => void,
    ];
    fastify.server.removeAllListeners('request');
    fastify.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (!this.takes(request, response)) usual(request, response);
    });
    // From then on Fastify tells whoever comes to go elsewhere.
    fastify.addHook('preClose', (done) => {
      this.closed = true;
      done();
    });
  }

  /** The body as Fastify would parse it. Throws what Fastify would. */
  json(body: Buffer): unknown {
    let parsed: unknown;
    this.parseJson?.(undefined as never, body as unknown as string, (error, value) => {
      if (error) throw error;
      parsed = value;
    });
    return parsed;
  }

  private takes(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.closed || request.method !== 'POST') return false;
    const found = this.find(request.url as string);
    if (!found || !this.isPlain(request.headers)) return false;
    const caller = found.route.admit(request.headers);
    if (!caller) return false;
    const startedMs = performance.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // Of a request that is cut off there is no end, and nobody to answer.
    request.on('end', () => {
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      const remoteAddress = request.socket.remoteAddress ?? '';
      const { route, name } = found;
      void this.answer(route, { caller, body, headers: request.headers, remoteAddress, name }, response, startedMs);
    });
    return true;
  }

  private find(url: string): { route: LaneRoute<Caller>; name: string } | null {
    const route = this.routes.get(url);
    if (route) return { route, name: '' };
    const nameAt = url.lastIndexOf('/') + 1;
    const named = this.routes.get(`${url.slice(0, nameAt)}:`);
    const name = url.slice(nameAt);
    // What is a route of its own is not a name.
    return named && NAME.test(name) && !this.known?.has('POST', url) ? { route: named, name } : null;
  }

  private isPlain(headers: IncomingHttpHeaders): boolean {
    const length = Number(headers['content-length']);
    return (
      length > 0 &&
      length <= this.config.http.bodyLimitBytes &&
      JSON_TYPE.test(headers['content-type'] ?? '') &&
      headers['content-encoding'] === undefined &&
      // The address would be the sender's word, which Fastify knows how to take.
      !(this.config.http.trustProxy && headers['x-forwarded-for'] !== undefined)
    );
  }

  private async answer(
    route: LaneRoute<Caller>,
    request: LaneRequest<Caller>,
    response: ServerResponse,
    startedMs: number,
  ): Promise<void> {
    const id = newId();
    let status = 202;
    let headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' };
    let body: string;
    try {
      body = JSON.stringify(await route.answer(request));
    } catch (thrown) {
      ({ status, headers, body } = problemAnswer(thrown, { id, url: response.req.url as string }));
    }
    headers['content-length'] = String(Buffer.byteLength(body));
    headers['x-request-id'] = id;
    response.writeHead(status, headers).end(body);
    const durationMs = performance.now() - startedMs;
    logRequest({ id, method: 'POST', route: route.path, status, durationMs, principal: request.caller });
  }
}
