import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import type { Certificate } from './certificates.js';

export interface ReceivedRequest {
  /** 1 for the first request this receiver got. */
  number: number;
  method: string;
  /** With the query string. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Names and values in turn, spelled and ordered as they came. */
  rawHeaders: string[];
  body: string;
  rawBody: Buffer;
  /** The name asked for in TLS (SNI). */
  servername: string | null;
  at: Date;
}

export type Answer =
  | { status?: number; headers?: Record<string, string>; body?: string | Buffer; delayMs?: number }
  /** Takes the request and never answers. */
  | { hang: true }
  /** Cuts the connection. */
  | { reset: true };

/** What to answer: by a function of the request, or a list of which the last entry repeats. A number is a status. */
export type Script = ((request: ReceivedRequest) => Answer | number | Promise<Answer | number>) | (Answer | number)[];

export interface Receiver {
  /** `http://127.0.0.1:<port>` (https where it has a certificate), to which any path may be added. */
  url: string;
  port: number;
  /** In the order in which they were complete. */
  requests: ReceivedRequest[];
  /** How many connections were made to it. */
  connections(): number;
  /** Answers from now on; a list starts with the next request. Without a script: 200. */
  respondWith(script: Script): void;
  /** Ends it with every connection, answered or not. */
  close(): Promise<void>;
}

/** A real HTTP server as a partner would run one. Give `port` to come back where an earlier one was. */
export async function startReceiver(
  options: { script?: Script; port?: number; tls?: Certificate } = {},
): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  let script: Script = options.script ?? [200];
  let firstOfScript = 1;
  let connections = 0;

  const server = options.tls ? createTlsServer(options.tls) : createServer();
  server.on('connection', () => connections++);
  server.on('request', (incoming, response) => {
    receive(incoming)
      .then(async (request) => {
        request.number = requests.push(request);
        const answer =
          typeof script === 'function'
            ? await script(request)
            : script[Math.min(request.number - firstOfScript, script.length - 1)];
        await give(answer ?? 200, response);
      })
      // The sender hung up: what it did send is not a request.
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connections,
    respondWith: (next) => {
      script = next;
      firstOfScript = requests.length + 1;
    },
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function receive(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const rawBody = Buffer.concat(chunks);
  return {
    number: 0,
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body: rawBody.toString('utf8'),
    rawBody,
    servername: (incoming.socket as TLSSocket).servername || null,
    at: new Date(),
  };
}

async function give(answer: Answer | number, response: ServerResponse): Promise<void> {
  if (typeof answer === 'number') {
    response.writeHead(answer).end();
  } else if ('reset' in answer) {
    response.socket?.resetAndDestroy();
  } else if (!('hang' in answer)) {
    if (answer.delayMs) await delay(answer.delayMs);
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? '');
  }
}
