import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type RawAnswer, sendRaw } from '../raw-request.js';

export interface SeenRequest {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** The body's JSON; undefined when it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: what the code under test has sent
  json: any;
}

export interface ProviderAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** As JSON, unless it is a text. */
  body?: unknown;
}

/** What a request gets instead of its answer. */
export type Trouble = ProviderAnswer | { hang: true } | { reset: true };

export type Handler = (request: SeenRequest, params: string[]) => ProviderAnswer | Promise<ProviderAnswer>;

interface Route {
  method: string;
  path: RegExp;
  handle: Handler;
}

/** A webhook of ours as it stands at a provider, with what it was answered. */
export interface SentWebhook {
  url: string;
  body: string;
  answer: RawAnswer;
}

/**
 * A provider's API, played by a real HTTP server on a free port: it keeps state that tests look at, and can be told to fail.
 * Each provider is a subclass with its routes; what they do is what the provider sheet says.
 */
export abstract class ProviderServer {
  /** What it was asked, in order. */
  readonly requests: SeenRequest[] = [];
  /** Webhooks it has sent. */
  readonly sent: SentWebhook[] = [];
  /** Where webhooks really go: their URLs name PUBLIC_URL, at which the server under test does not listen. */
  reach: string | null = null;
  /** The time it signs with. */
  now: () => Date = () => new Date();
  private readonly routes: Route[] = [];
  private readonly troubles: { trouble: Trouble; on: RegExp }[] = [];
  private slowMs = 0;
  private port = 0;
  private readonly server = createServer((incoming, response) => {
    this.serve(incoming, response).catch(() => response.destroy());
  });

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(0, '127.0.0.1', resolve);
    });
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.close((error) => (error ? reject(error) : resolve()));
      this.server.closeAllConnections();
    });
  }

  /** The next requests (whose "METHOD /path" matches) get this instead, one each. */
  failNext(trouble: Trouble | number, { times = 1, on = /./ }: { times?: number; on?: RegExp } = {}): void {
    const one = typeof trouble === 'number' ? { status: trouble, body: { message: 'Something went wrong' } } : trouble;
    for (let i = 0; i < times; i++) this.troubles.push({ trouble: one, on });
  }

  /** Forgets what was to fail and is not needed any more. */
  heal(): void {
    this.troubles.length = 0;
    this.slowMs = 0;
  }

  /** Every answer takes so long from now on. */
  slowDown(ms: number): void {
    this.slowMs = ms;
  }

  /** Requests to paths that match. */
  requestsTo(path: RegExp): SeenRequest[] {
    return this.requests.filter((request) => path.test(`${request.method} ${request.path}`));
  }

  /** Why the request is not let in; null: it is. */
  protected abstract refuse(request: SeenRequest): ProviderAnswer | null;
  protected abstract notFound(): ProviderAnswer;

  /** @param path with `:` for each part that varies: '/contacts/:/conversations' */
  protected on(method: string, path: string, handle: Handler): void {
    const pattern = path.split(':').map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    this.routes.push({ method, path: new RegExp(`^${pattern.join('([^/]+)')}$`), handle });
  }

  /** Posts a webhook as the provider does. */
  protected async deliver(url: string, body: string, headers: Record<string, string>): Promise<SentWebhook> {
    const target = this.reach === null ? url : this.reach + url.slice(new URL(url).origin.length);
    const answer = await sendRaw(target, {
      body,
      headers: Object.entries({ 'Content-Type': 'application/json', ...headers }),
    });
    const sent = { url, body, answer };
    this.sent.push(sent);
    return sent;
  }

  private async serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await seen(incoming);
    this.requests.push(request);
    const at = this.troubles.findIndex(({ on }) => on.test(`${request.method} ${request.path}`));
    const trouble = at < 0 ? null : (this.troubles.splice(at, 1)[0]?.trouble ?? null);
    if (trouble && 'hang' in trouble) return;
    if (trouble && 'reset' in trouble) {
      incoming.socket.resetAndDestroy();
      return;
    }
    if (this.slowMs > 0) await delay(this.slowMs);
    const { status = 200, headers = {}, body } = trouble ?? (await this.answer(request));
    const text = body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body);
    response.writeHead(status, {
      'content-type': typeof body === 'string' ? 'text/html' : 'application/json',
      ...headers,
    });
    response.end(text);
  }

  private async answer(request: SeenRequest): Promise<ProviderAnswer> {
    const refusal = this.refuse(request);
    if (refusal) return refusal;
    for (const { method, path, handle } of this.routes) {
      const [, ...params] = (method === request.method && path.exec(request.path)) || [];
      if (method === request.method && path.test(request.path)) return handle(request, params.map(decodeURIComponent));
    }
    return this.notFound();
  }
}

async function seen(incoming: IncomingMessage): Promise<SeenRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  const url = new URL(incoming.url ?? '/', 'http://provider');
  return {
    method: incoming.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    body,
    json: parsed(body),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A part of a list, as `page` (from 1) and a size ask for it. */
export function pageOf<T>(all: T[], page: number, size: number): { items: T[]; more: boolean } {
  const items = all.slice((page - 1) * size, page * size);
  return { items, more: all.length > page * size };
}
