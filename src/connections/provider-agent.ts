import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, request } from 'undici';
import { Config } from '../config/env.js';
import { BlockedTargetError, CONNECT_TIMEOUT_MS, GuardedConnector } from '../deliveries/guarded-connector.js';

const CONNECTIONS_PER_PROVIDER = 8;
const KEEP_ALIVE_MS = 10_000;
/** A page of 200 full records stays well below; what is larger is no answer of an API. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export interface ProviderRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** Default: CONNECTION_TIMEOUT_MS. */
  timeoutMs?: number;
}

export type ProviderAnswer =
  | { kind: 'response'; status: number; headers: Record<string, string | string[] | undefined>; body: string }
  | { kind: 'timeout'; afterMs: number }
  /** `sent` is false when no byte of the request can have reached the provider. */
  | { kind: 'unreachable'; code: string; message: string; sent: boolean }
  | { kind: 'blocked'; message: string }
  | { kind: 'too_large' };

/** The connections to providers' APIs: under the same address policy and through the same proxy as deliveries. */
@Injectable()
export class ProviderAgent implements OnApplicationShutdown {
  private readonly connector: GuardedConnector;
  private readonly agent: Agent;

  constructor(private readonly config: Config) {
    this.connector = new GuardedConnector(config.delivery.allowedTargets, config.delivery.proxyUrl);
    this.agent = new Agent({
      connections: CONNECTIONS_PER_PROVIDER,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: this.connector.connect,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
  }

  /** One exchange, without retries or redirects; every outcome is a value. */
  async exchange({ method, url, headers, body, ...options }: ProviderRequest): Promise<ProviderAnswer> {
    const { timeoutMs = this.config.connections.timeoutMs } = options;
    // One deadline for the whole exchange: undici's own time-outs start anew with each byte.
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await request(url, { method, headers, body, dispatcher: this.agent, signal });
      return {
        kind: 'response',
        status: answer.statusCode,
        headers: answer.headers,
        body: await answer.body.text(),
      };
    } catch (error) {
      return outcomeOf(error as Error & { code?: string }, timeoutMs);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.agent.destroy();
    await this.connector.destroy();
  }
}

/** Failures before a connection stood. */
const NOT_SENT = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'PROXY_FAILED']);

function outcomeOf(error: Error & { code?: string }, timeoutMs: number): ProviderAnswer {
  if (error instanceof BlockedTargetError) return { kind: 'blocked', message: error.message };
  if (error.name === 'TimeoutError') return { kind: 'timeout', afterMs: timeoutMs };
  if (error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return { kind: 'too_large' };
  if (error.code === 'UND_ERR_CONNECT_TIMEOUT')
    return { kind: 'unreachable', code: 'ETIMEDOUT', message: `nothing within ${CONNECT_TIMEOUT_MS} ms`, sent: false };
  const code = String(error.code ?? error.name);
  return { kind: 'unreachable', code, message: error.message, sent: !NOT_SENT.has(code) };
}
