import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../core/clock.js';
import { REDACTED } from '../core/provider-signatures/redact.js';
import type { ProviderAgent, ProviderRequest } from './provider-agent.js';
import { type JudgedCall, judgeAnswer } from './provider-answer.js';
import { ProviderError, type ProviderFailure } from './provider-error.js';
import { type RequestLimit, RequestPacer } from './request-pacer.js';

/** Together so long a call waits: a request of a person or the processing of an event stands behind it. */
const PATIENCE_MS = 10_000;
const MOST_TRIES = 4;
const FIRST_WAIT_MS = 250;

/** A provider's API as one connection sees it. */
export interface ProviderApi {
  title: string;
  baseUrl: string;
  /** What signs us in. */
  headers(): Record<string, string> | Promise<Record<string, string>>;
  /** Never to be seen in a message, wherever the provider repeats them. */
  secrets: readonly string[];
  limit?: RequestLimit;
  /** See JudgedCall. */
  failureIn?: (body: unknown, status: number) => ProviderFailure | null;
}

export interface ApiCall {
  method?: ProviderRequest['method'];
  /** After the base URL; made with `path`, so that ids are encoded. */
  path: string;
  /** Undefined is left out; a list is repeated. */
  query?: Record<string, string | number | boolean | readonly string[] | undefined>;
  headers?: Record<string, string>;
  json?: unknown;
  form?: Record<string, string | readonly string[] | undefined>;
  /** See JudgedCall. */
  purpose: string;
  permission?: string;
  /** Default: every method but POST. */
  repeatable?: boolean;
}

/** What every client is made of: the connections of this process and the time. */
export interface Transport {
  agent: ProviderAgent;
  clock: Clock;
}

/**
 * Calls one provider's API: signs in, keeps its limits, waits and tries again where that may help, and says in plain words what
 * did not work. Gives the answer's JSON (null when it is empty), or throws a ProviderError.
 */
export class ApiClient {
  private readonly pacer: RequestPacer;

  constructor(
    private readonly transport: Transport,
    private readonly api: ProviderApi,
  ) {
    this.pacer = new RequestPacer(api.limit ?? null);
  }

  // biome-ignore lint/suspicious/noExplicitAny: providers' answers are what their documentation says they are
  async call<T = any>(call: ApiCall): Promise<T> {
    const request = { ...this.requestOf(call), method: call.method ?? 'GET' };
    const headers = { ...request.headers, ...(await this.api.headers()) };
    const about = this.about(call, request.method);
    let patienceMs = PATIENCE_MS;
    for (let tries = 1; ; tries++) {
      patienceMs -= await this.turn(about, patienceMs);
      const answer = await this.transport.agent.exchange({ ...request, headers });
      const judged = judgeAnswer(answer, { ...about, now: this.transport.clock.now() });
      if (judged.kind === 'ok') return judged.body as T;
      const { error, retry } = judged;
      if (typeof retry === 'object') this.pacer.rest(retry.afterMs);
      if (retry === 'never' || tries === MOST_TRIES) throw this.withoutSecrets(error);
      const waitMs = typeof retry === 'object' ? retry.afterMs : backOffMs(tries);
      if (waitMs > patienceMs) throw this.withoutSecrets(error);
      // Where the provider named a time, the turn waits for it.
      if (retry !== 'soon') continue;
      patienceMs -= waitMs;
      await delay(waitMs);
    }
  }

  /** Waits for a turn. @returns how long that took */
  private async turn(about: Omit<JudgedCall, 'now'>, patienceMs: number): Promise<number> {
    const { waitMs, taken } = this.pacer.takeTurn(patienceMs);
    if (!taken) {
      const words = `it wants no further request for ${Math.ceil(waitMs / 1000)} s.`;
      throw new ProviderError('rate_limited', `${about.title} did not ${about.purpose}: ${words}`, {
        retryAfterMs: Math.ceil(waitMs),
      });
    }
    if (waitMs > 0) await delay(waitMs);
    return waitMs;
  }

  private about(call: ApiCall, method: string): Omit<JudgedCall, 'now'> {
    return {
      title: this.api.title,
      purpose: call.purpose,
      permission: call.permission,
      repeatable: call.repeatable ?? method !== 'POST',
      failureIn: this.api.failureIn,
    };
  }

  private requestOf(call: ApiCall): { url: URL; headers: Record<string, string>; body?: string } {
    if (STEP.test(call.path))
      throw new ProviderError('invalid', `${this.api.title} was not asked to ${call.purpose}: it has no usable id.`);
    const url = new URL(this.api.baseUrl.replace(/\/+$/, '') + call.path);
    for (const [name, value] of fieldsOf(call.query ?? {})) url.searchParams.append(name, value);
    const headers: Record<string, string> = { accept: 'application/json', ...call.headers };
    if (call.form) {
      headers['content-type'] = 'application/x-www-form-urlencoded';
      return { url, headers, body: new URLSearchParams(fieldsOf(call.form)).toString() };
    }
    if (call.json === undefined) return { url, headers };
    headers['content-type'] = 'application/json';
    return { url, headers, body: JSON.stringify(call.json) };
  }

  private withoutSecrets(error: ProviderError): ProviderError {
    const message = this.api.secrets
      .filter((secret) => secret !== '')
      .reduce((text, secret) => text.replaceAll(secret, REDACTED), error.message);
    return new ProviderError(error.failure, message, error);
  }
}

function fieldsOf(fields: NonNullable<ApiCall['query']>): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]) =>
    [value]
      .flat()
      .filter((one) => one !== undefined)
      .map((one): [string, string] => [name, String(one)]),
  );
}

/** A path whose parts stay what they are: path`/contacts/${id}`. */
export function path(texts: TemplateStringsArray, ...parts: (string | number)[]): string {
  return String.raw({ raw: texts }, ...parts.map((part) => encodeURIComponent(part)));
}

/** An id that is empty or made of dots is a step in the path, however it is encoded. */
const STEP = /\/\.{0,2}(\/|$)/;

/** Longer from try to try, and never the same for two clients that failed together. */
function backOffMs(tries: number): number {
  return FIRST_WAIT_MS * 2 ** (tries - 1) * (0.5 + Math.random());
}
