import { Injectable, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { Agent, type Dispatcher } from 'undici';
import { Config } from '../config/env.js';
import type { SendResult } from '../core/attempt-outcome.js';
import { BlockedTargetError, CONNECT_TIMEOUT_MS, GuardedConnector, type NetworkOptions } from './guarded-connector.js';

const KEEP_ALIVE_MS = 10_000;
/** So much of an answer is kept; so much is read at the most before the connection is given up. */
const KEPT_BODY_BYTES = 16 * 1024;
const READ_BODY_BYTES = 256 * 1024;

export interface OutgoingRequest {
  url: URL;
  headers: Record<string, string>;
  body: string | Buffer;
  /** For the whole exchange: connecting, headers and body. */
  timeoutMs: number;
}

/** Posts over kept-alive connections. Every outcome is a value; nothing is thrown for what an endpoint does. */
@Injectable()
export class HttpSender implements OnApplicationShutdown {
  private readonly agent: Agent;
  private readonly connector: GuardedConnector;

  constructor(config: Config, @Optional() network: NetworkOptions = {}) {
    const { allowedTargets, proxyUrl, inFlight } = config.delivery;
    this.connector = new GuardedConnector(allowedTargets, proxyUrl, network);
    this.agent = new Agent({
      connections: inFlight,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: this.connector.connect,
    });
  }

  send(request: OutgoingRequest): Promise<SendResult> {
    return new Promise((resolve) => {
      const exchange = new Exchange(request.timeoutMs, resolve);
      this.agent.dispatch(
        {
          ...addressOf(request.url),
          method: 'POST',
          headers: request.headers,
          body: request.body,
        },
        exchange,
      );
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
    await this.connector.destroy();
  }
}

/** A subscription's URL object is the same for all its requests, and taking one apart is not cheap. */
const addresses = new WeakMap<URL, { origin: string; path: string }>();

function addressOf(url: URL): { origin: string; path: string } {
  const known = addresses.get(url);
  if (known) return known;
  const address = { origin: url.origin, path: url.pathname + url.search };
  addresses.set(url, address);
  return address;
}

/**
 * One request and what comes of it, as undici tells it. It ends at its deadline wherever it is: undici's own abort signal would
 * wait until a connection stands, and costs a third of the throughput on Node 20.
 */
class Exchange implements Dispatcher.DispatchHandler {
  private phase: 'connect' | 'headers' | 'body' = 'connect';
  private controller: Dispatcher.DispatchController | null = null;
  private status = 0;
  private headers: SendResultHeaders = {};
  private readonly kept: Buffer[] = [];
  private bytes = 0;
  private ended = false;
  private readonly deadline: NodeJS.Timeout;

  constructor(
    private readonly timeoutMs: number,
    private readonly resolve: (result: SendResult) => void,
  ) {
    this.deadline = setTimeout(() => {
      this.end({ kind: 'timeout', phase: this.phase, afterMs: timeoutMs });
      this.controller?.abort(new Error('deadline'));
    }, timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.phase = 'headers';
    // The connection came after the deadline: nothing has been written yet, and nothing will be.
    if (this.ended) controller.abort(new Error('deadline'));
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: SendResultHeaders): void {
    if (status < 200) return;
    this.status = status;
    this.headers = headers;
    this.phase = 'body';
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = KEPT_BODY_BYTES - this.bytes;
    // A copy: the chunk is a view of the socket's buffer, which is used again.
    if (room > 0) this.kept.push(Buffer.from(chunk.subarray(0, room)));
    this.bytes += chunk.length;
    if (this.bytes <= READ_BODY_BYTES) return;
    this.answered();
    controller.abort(new Error('the rest of the answer is not wanted'));
  }

  /**
   * undici frees the connection one turn of the event loop later. Telling of the answer only then lets the next request have it:
   * told at once, 32 senders in a row opened 49 connections and sent half as much.
   */
  onResponseEnd(): void {
    clearTimeout(this.deadline);
    queueMicrotask(() => setImmediate(() => this.answered()));
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error & { code?: string }): void {
    this.end(failure(error, this.timeoutMs));
  }

  private answered(): void {
    // NUL is dropped: Postgres text cannot hold it.
    const body = Buffer.concat(this.kept).toString('utf8').replaceAll('\u0000', '');
    this.end({ kind: 'response', status: this.status, headers: this.headers, body });
  }

  private end(result: SendResult): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.deadline);
    this.resolve(result);
  }
}

type SendResultHeaders = Extract<SendResult, { kind: 'response' }>['headers'];

function failure(error: Error & { code?: string }, timeoutMs: number): SendResult {
  if (error instanceof BlockedTargetError) return { kind: 'blocked', message: error.message };
  if (error.code === 'UND_ERR_CONNECT_TIMEOUT') {
    return { kind: 'timeout', phase: 'connect', afterMs: Math.min(timeoutMs, CONNECT_TIMEOUT_MS) };
  }
  return { kind: 'unreachable', code: String(error.code ?? error.name), message: error.message };
}
