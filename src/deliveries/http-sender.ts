import dns from 'node:dns';
import { EventEmitter } from 'node:events';
import { isIP } from 'node:net';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { Config } from '../config/env.js';
import type { SendResult } from '../core/attempt-outcome.js';
import { addressProblem } from '../core/url-policy.js';

const CONNECT_TIMEOUT_MS = 10_000;
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

class BlockedAddressError extends Error {
  readonly code = 'BLOCKED_ADDRESS';
}

/** Posts over kept-alive connections. Every outcome is a value; nothing is thrown for what an endpoint does. */
@Injectable()
export class HttpSender implements OnApplicationShutdown {
  private readonly agent: Agent;

  constructor(config: Config) {
    this.agent = new Agent({
      connections: config.delivery.inFlight,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: guardedConnector(config.delivery.allowedPrivateTargets),
    });
  }

  async send(request: OutgoingRequest): Promise<SendResult> {
    // An emitter as the abort signal: an AbortSignal for each request costs a third of the throughput on Node 20.
    const abort = new EventEmitter();
    let phase: 'headers' | 'body' = 'headers';
    let timedOut = false;
    const deadline = setTimeout(() => {
      timedOut = true;
      abort.emit('abort');
    }, request.timeoutMs);
    try {
      const answer = await this.agent.request({
        origin: request.url.origin,
        path: request.url.pathname + request.url.search,
        method: 'POST',
        headers: request.headers,
        body: request.body,
        signal: abort,
      });
      phase = 'body';
      return { kind: 'response', status: answer.statusCode, headers: answer.headers, body: await readBody(answer) };
    } catch (error) {
      if (timedOut) return { kind: 'timeout', phase, afterMs: request.timeoutMs };
      return failure(error as Error & { code?: string }, request.timeoutMs);
    } finally {
      clearTimeout(deadline);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
  }
}

function failure(error: Error & { code?: string }, timeoutMs: number): SendResult {
  if (error.code === 'BLOCKED_ADDRESS') return { kind: 'blocked', message: error.message };
  if (error.code === 'UND_ERR_CONNECT_TIMEOUT') {
    return { kind: 'timeout', phase: 'connect', afterMs: Math.min(timeoutMs, CONNECT_TIMEOUT_MS) };
  }
  return { kind: 'unreachable', code: error.code ?? error.name, message: error.message };
}

/** The first bytes of the answer as text. NUL is dropped: Postgres text cannot hold it. */
async function readBody(answer: Dispatcher.ResponseData): Promise<string> {
  const length = Number(answer.headers['content-length']);
  let text: string;
  if (length <= KEPT_BODY_BYTES) {
    text = await answer.body.text();
  } else {
    const kept: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      if (bytes < KEPT_BODY_BYTES) kept.push(chunk.subarray(0, KEPT_BODY_BYTES - bytes));
      bytes += chunk.length;
      if (bytes > READ_BODY_BYTES) break;
    }
    text = Buffer.concat(kept).toString('utf8');
  }
  return text.replaceAll('\u0000', '');
}

/**
 * Connects only to addresses the policy allows. Literals are checked before (no lookup is made for them), names after DNS
 * (if one of a name's addresses is refused, all are), and the peer's address once more when the connection stands.
 */
function guardedConnector(allowed: readonly string[]): buildConnector.connector {
  const refuse = (address: string) => {
    const problem = addressProblem(address, allowed);
    return problem && new BlockedAddressError(`${problem} Deliveries go to public addresses only.`);
  };
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    lookup: (hostname, options, callback) => {
      dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
        if (error) return callback(error, '', 0);
        for (const { address } of addresses) {
          const refused = refuse(address);
          if (refused) return callback(refused, '', 0);
        }
        if ((options as { all?: boolean }).all)
          return (callback as unknown as (e: null, a: typeof addresses) => void)(null, addresses);
        const [first] = addresses;
        callback(null, first?.address ?? '', first?.family ?? 0);
      });
    },
  });
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    const refused = isIP(host) ? refuse(host) : null;
    if (refused) return callback(refused, null);
    connect(options, (error, socket) => {
      if (error) return callback(error, null);
      const peer = refuse(socket.remoteAddress ?? '');
      if (!peer) return callback(null, socket);
      socket.destroy();
      callback(peer, null);
    });
  };
}
