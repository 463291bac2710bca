import dns, { type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { type AllowedTargets, addressProblem, targetProblem } from '../core/url-policy.js';
import { ForwardProxy } from './forward-proxy.js';

export const CONNECT_TIMEOUT_MS = 10_000;

/** The target may not be connected to; the message says why. */
export class BlockedTargetError extends Error {
  readonly code = 'BLOCKED_TARGET';
}

/** How names are resolved and who is trusted; the machine's own ways unless something else is given. */
export interface NetworkOptions {
  lookup?: (hostname: string, options: dns.LookupAllOptions, callback: LookupCallback) => void;
  /** Certificate authorities in PEM, instead of Node's. */
  ca?: string;
}
type LookupCallback = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/**
 * Connects only to what the address policy allows, directly or through a forward proxy.
 *
 * A name is resolved once for each connection. All its addresses are checked (one that is refused refuses the name: an
 * honest one does not mix public and private), and the socket is opened to these very addresses, so there is no second answer
 * that could differ from the one that was checked. TLS still asks for the name and checks the certificate against it.
 */
export class GuardedConnector {
  private readonly open: buildConnector.connector;
  private readonly proxy: ForwardProxy | null;
  private readonly lookupsUnderWay = new Map<string, Promise<LookupAddress[]>>();

  constructor(
    private readonly allowed: AllowedTargets,
    proxyUrl: string | null,
    private readonly network: NetworkOptions = {},
  ) {
    const ca = network.ca === undefined ? {} : { ca: network.ca };
    this.open = buildConnector({ timeout: CONNECT_TIMEOUT_MS, lookup: this.lookup, ...ca });
    this.proxy = proxyUrl === null ? null : new ForwardProxy(new URL(proxyUrl), CONNECT_TIMEOUT_MS, ca);
  }

  /** For undici's Agent. */
  readonly connect: buildConnector.connector = (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, '');
    const port = Number(options.port) || (options.protocol === 'https:' ? 443 : 80);
    const problem = targetProblem(host, port, this.allowed);
    if (problem) return callback(new BlockedTargetError(problem), null);
    // The URL's name, whatever a host header says; without the dot at its end, which SNI forbids (RFC 6066 §3).
    const named = { ...options, servername: isIP(host) ? undefined : host.replace(/\.$/, '') };
    const done: buildConnector.Callback = (...[error, socket]) =>
      error ? callback(asTlsError(error, options.protocol), null) : callback(null, socket);
    if (!this.proxy) return this.open(named, done);
    this.throughProxy(this.proxy, host, port).then(
      (socket) =>
        options.protocol === 'https:' ? this.open({ ...named, httpSocket: socket }, done) : done(null, socket),
      (error) => done(error, null),
    );
  };

  async destroy(): Promise<void> {
    await this.proxy?.destroy();
  }

  private async throughProxy(proxy: ForwardProxy, host: string, port: number): Promise<Socket> {
    const addresses = isIP(host) ? [host] : (await this.resolve(host)).map(({ address }) => address);
    return proxy.connect(addresses, port);
  }

  /** What net.connect gets instead of DNS: it opens the socket to the addresses given here and to no others. */
  private readonly lookup: LookupFunction = (hostname, { all }, callback) => {
    this.resolve(hostname).then(
      (addresses) => (all ? callback(null, addresses) : callback(null, addresses[0]!.address, addresses[0]!.family)),
      (error) => callback(error, ''),
    );
  };

  /**
   * Checked addresses, at least one. Connections that are opened at the same time share one lookup: each takes one of the
   * process's few threads for it, and a name server that does not answer must not take them all.
   */
  private resolve(hostname: string): Promise<LookupAddress[]> {
    const underWay = this.lookupsUnderWay.get(hostname);
    if (underWay) return underWay;
    const started = this.resolveNow(hostname).finally(() => this.lookupsUnderWay.delete(hostname));
    this.lookupsUnderWay.set(hostname, started);
    return started;
  }

  private async resolveNow(hostname: string): Promise<LookupAddress[]> {
    const lookup = this.network.lookup ?? dns.lookup;
    const addresses = await new Promise<LookupAddress[]>((resolve, reject) => {
      lookup(hostname, { all: true, hints: dns.ADDRCONFIG }, (error, found) =>
        error ? reject(error) : resolve(found),
      );
    });
    if (addresses.length === 0) throw Object.assign(new Error(`no address for ${hostname}`), { code: 'ENOTFOUND' });
    for (const { address } of addresses) {
      const problem = addressProblem(address, this.allowed);
      if (problem) throw new BlockedTargetError(`"${hostname}" resolves to ${address}. ${problem}`);
    }
    return addresses;
  }
}

/** A connection that ends in the middle of the TLS handshake is not told apart from one that ends later. */
function asTlsError(error: Error & { code?: string }, protocol: string): Error {
  if (protocol !== 'https:' || error.code !== 'ECONNRESET') return error;
  return Object.assign(new Error(error.message), { code: 'TLS_CLOSED' });
}
