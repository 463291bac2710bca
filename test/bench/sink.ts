import { createServer, type Socket } from 'node:net';

/** Where a request went (`/w/<run>/<endpoint>`), and how long after its event was published. */
export interface Arrival {
  run: number;
  endpoint: number;
  latencyMs: number;
}

export interface Sink {
  url: string;
  /** Called for each request, in place of the last one given. */
  onArrival(listener: (arrival: Arrival) => void): void;
  /** Requests to this endpoint are never answered; null: all are. */
  hangAt(endpoint: number | null): void;
  close(): Promise<void>;
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const ADDRESS = /^POST \/w\/(\d+)\/(\d+)/;

/**
 * A receiver that costs next to nothing, so that what is measured is the sender: HTTP/1.1 with a Content-Length over
 * kept-alive connections and no more. Events carry `bench_ts`, the time of publishing by this process's own clock.
 */
export async function startSink(): Promise<Sink> {
  let listener: (arrival: Arrival) => void = () => {};
  let hanging: number | null = null;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    let pending = Buffer.alloc(0);
    socket.on('data', (data) => {
      pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
      for (;;) {
        const end = pending.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = pending.toString('latin1', 0, end);
        const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
        if (pending.length < end + 4 + length) return;
        const body = pending.toString('latin1', end + 4, end + 4 + length);
        pending = pending.subarray(end + 4 + length);
        const [, run, endpoint] = ADDRESS.exec(head) ?? [];
        const publishedMs = Number(/"bench_ts":([\d.]+)/.exec(body)?.[1]);
        listener({ run: Number(run), endpoint: Number(endpoint), latencyMs: performance.now() - publishedMs });
        if (Number(endpoint) !== hanging) socket.write(ANSWER);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the sink has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    onArrival: (next) => {
      listener = next;
    },
    hangAt: (endpoint) => {
      hanging = endpoint;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
