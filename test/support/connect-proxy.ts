import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Certificate } from './certificates.js';

export interface ConnectProxy {
  /** `http://127.0.0.1:<port>`, or https. */
  url: string;
  /** What it was asked to connect to, with the headers that came. */
  asked: { authority: string; headers: IncomingHttpHeaders }[];
  close(): Promise<void>;
}

/**
 * A forward proxy that only knows CONNECT. Whatever it is asked for, the connection goes where `route` says, on 127.0.0.1: a
 * port, or the status to refuse with, or "hang".
 */
export async function startConnectProxy(
  route: (authority: string, headers: IncomingHttpHeaders) => { port: number } | { status: number } | 'hang',
  tls?: Certificate,
): Promise<ConnectProxy> {
  const asked: ConnectProxy['asked'] = [];
  const sockets = new Set<Socket>();
  const server = tls ? https.createServer(tls) : http.createServer();
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket);
    // A client that hangs up is no error of the proxy's.
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  });
  server.on('connect', (request, client: Socket) => {
    const authority = request.url ?? '';
    asked.push({ authority, headers: request.headers });
    const way = route(authority, request.headers);
    if (way === 'hang') return;
    if ('status' in way) {
      client.end(`HTTP/1.1 ${way.status} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const target = net.connect(way.port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      client.pipe(target).pipe(client);
    });
    target.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('close', () => target.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        for (const socket of sockets) socket.destroy();
      }),
  };
}
