import { isIP, type Socket } from 'node:net';
import { errors, Pool } from 'undici';

/** The forward proxy could not be reached, or did not connect us. Its address and password are not in the message. */
export class ForwardProxyError extends Error {
  readonly code = 'PROXY_FAILED';
}

/**
 * Opens connections by asking an HTTP proxy to CONNECT. undici's ProxyAgent would ask for the host name, which the proxy would
 * resolve again, to what nobody has checked; this asks for an address.
 */
export class ForwardProxy {
  private readonly pool: Pool;
  private readonly origin: string;
  /** For TLS to the proxy itself; undici would take it from the host header, which names the target. */
  private readonly servername: string | undefined;
  private readonly authorization: Record<string, string>;

  constructor(
    url: URL,
    private readonly timeoutMs: number,
    tls: { ca?: string },
  ) {
    const credentials = [url.username, url.password].map(decodeURIComponent).join(':');
    this.origin = url.origin;
    this.servername = isIP(url.hostname) ? undefined : url.hostname;
    this.authorization = url.username
      ? { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }
      : {};
    this.pool = new Pool(url.origin, { connect: { timeout: timeoutMs, ...tls } });
  }

  /** A connection to the first of these addresses that the proxy can reach. Rejects with a ForwardProxyError or a ConnectTimeoutError. */
  async connect(addresses: readonly string[], port: number): Promise<Socket> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    let failure = 'The forward proxy was given no address.';
    for (const address of addresses) {
      const authority = `${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
      const request = {
        origin: this.origin,
        servername: this.servername,
        path: authority,
        headers: { host: authority, ...this.authorization },
        signal,
      };
      try {
        const { socket, statusCode } = await this.pool.connect(request);
        if (statusCode >= 200 && statusCode < 300) return socket as Socket;
        socket.on('error', () => {}).destroy();
        failure = `The forward proxy answered ${statusCode} when it was asked to connect to ${authority}.`;
      } catch (error) {
        if (signal.aborted) throw new errors.ConnectTimeoutError();
        failure = `The forward proxy cannot be used (${(error as NodeJS.ErrnoException).code ?? (error as Error).name}).`;
      }
    }
    throw new ForwardProxyError(failure);
  }

  async destroy(): Promise<void> {
    await this.pool.destroy();
  }
}
