import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** What an installation opens beside public addresses and ordinary ports. */
export interface AllowedTargets {
  /** CIDRs, from ALLOW_PRIVATE_TARGETS. */
  networks: readonly string[];
  /** From ALLOW_TARGET_PORTS. */
  ports: readonly number[];
}

/**
 * Why a subscription may not have this URL, in words, or null. What a host name resolves to is judged when a connection
 * is made, after DNS: what it points to now says nothing about what it will point to then.
 */
export function urlProblem(value: string, allowed: AllowedTargets): string | null {
  if (!URL.canParse(value)) return 'This is not a URL. Give one like https://example.com/webhooks.';
  const url = new URL(value);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return `The URL must start with https:// or http://, not ${url.protocol}//.`;
  if (url.username || url.password)
    return 'The URL must not hold a user name or password: use a custom header or the auth setting.';
  if (url.hash) return 'The URL must not have a fragment (#…): it is never sent.';
  return targetProblem(hostOf(url), portOf(url), allowed);
}

/**
 * Why no connection may be made to this host and port, in words, or null: all that can be said before DNS.
 * `host` is spelled as a URL object spells it, so that 0x7f.1, 2130706433 and 0177.0.0.1. have become 127.0.0.1.
 */
export function targetProblem(host: string, port: number, allowed: AllowedTargets): string | null {
  const problem = isIP(host) ? addressProblem(host, allowed) : hostNameProblem(host, allowed);
  if (problem) return problem;
  if (port !== 0 && (!SERVICE_PORTS.has(port) || allowed.ports.includes(port))) return null;
  return `Port ${port} belongs to another kind of service. Use another one; the operator can allow it with ALLOW_TARGET_PORTS.`;
}

/**
 * Why this address may not be connected to, in words, or null. Everything but public unicast is refused, unless one of the
 * allowed networks holds it. An IPv6 address that carries an IPv4 one is judged twice: by its own range, and by what it
 * carries, so that allowing NAT64 (64:ff9b::/96) on a network without IPv4 does not open 64:ff9b::10.0.0.1.
 */
export function addressProblem(address: string, allowed: AllowedTargets): string | null {
  if (!isIP(address)) return `"${address}" is not an IP address.`;
  // IPv4-mapped ones (::ffff:10.0.0.1) become the IPv4 address that the connection would go to.
  const parsed = ipaddr.process(inHexadecimal(address));
  const kind = kindOf(parsed);
  if (kind !== PUBLIC && !isIn(parsed, allowed.networks))
    return `${address} is not a public address (${kind}). ${PUBLIC_ONLY}`;
  if (parsed instanceof ipaddr.IPv4) return null;
  for (const carried of carriedIPv4(parsed)) {
    const problem = addressProblem(carried, allowed);
    if (problem) return `${address} leads to an IPv4 address. ${problem}`;
  }
  return null;
}

/** The host without the brackets of an IPv6 literal. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** The port, also where the URL leaves it to the protocol. */
export function portOf(url: URL): number {
  return url.port === '' ? (DEFAULT_PORTS[url.protocol] ?? 0) : Number(url.port);
}

const DEFAULT_PORTS: Record<string, number> = { 'http:': 80, 'https:': 443 };

/** Without zone and dotted quad: ipaddr.js takes ::10.0.0.1, as the C library spells ::a00:1, for ::ffff:10.0.0.1. */
function inHexadecimal(address: string): string {
  return isIP(address) === 6 ? hostOf(new URL(`http://[${address.replace(/%.*/, '')}]`)) : address;
}

const PUBLIC = 'public';
const PUBLIC_ONLY =
  'Deliveries go to public addresses only; the operator can allow networks with ALLOW_PRIVATE_TARGETS.';

function isIn(address: ipaddr.IPv4 | ipaddr.IPv6, networks: readonly string[]): boolean {
  return networks.some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr);
    return network.kind() === address.kind() && address.match([network, bits] as never);
  });
}

/** "public", or what else the address is. */
function kindOf(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (isIn(address, CLOUD_PLATFORM)) return "a cloud's own service";
  const range = address.range();
  if (range !== 'unicast') return KINDS[range] ?? range;
  return address instanceof ipaddr.IPv4 || isIn(address, ASSIGNED_IPV6) ? PUBLIC : 'not assigned';
}

/** Of the IPv6 unicast space only this is given out (RFC 4291 §2.4, IANA); it leaves out ::/8 with the IPv4-compatible forms. */
const ASSIGNED_IPV6 = ['2000::/3'];
/** Azure's agent endpoint: a public address that answers every virtual machine there with its own secrets. */
const CLOUD_PLATFORM = ['168.63.129.16/32'];
/** ipaddr.js's names of ranges, where they are not words. */
const KINDS: Record<string, string> = {
  linkLocal: 'link-local',
  uniqueLocal: 'unique local',
  carrierGradeNat: 'carrier-grade NAT',
  deprecatedSiteLocal: 'site-local',
  rfc6145: 'IPv4-translated',
  rfc6052: 'NAT64',
  teredo: 'Teredo',
  as112: 'AS112',
  as112v6: 'AS112',
  amt: 'AMT',
  deprecatedOrchid: 'ORCHID',
  orchid2: 'ORCHID',
  droneRemoteIdProtocolEntityTags: 'drone identifiers',
  segmentRouting: 'segment routing',
};

/**
 * The IPv4 addresses to which an IPv6 one leads: 6to4 (RFC 3056), Teredo's server and client (RFC 4380 §4), NAT64 (RFC 6052;
 * of 64:ff9b:1::/48 the /96 form: the others end in zeros and so are refused), IPv4-translated, IPv4-compatible, ISATAP (RFC 5214).
 */
function carriedIPv4(address: ipaddr.IPv6): string[] {
  const [p0 = 0, p1 = 0, p2 = 0, p3 = 0, p4 = 0, p5 = 0, p6 = 0, p7 = 0] = address.parts;
  const dotted = (high: number, low: number) => [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
  const last = dotted(p6, p7);
  const range = address.range();
  if (range === '6to4') return [dotted(p1, p2)];
  if (range === 'teredo') return [dotted(p2, p3), dotted(p6 ^ 0xffff, p7 ^ 0xffff)];
  if (range === 'rfc6052' || range === 'rfc6145') return [last];
  const isCompatible = range === 'unicast' && [p0, p1, p2, p3, p4, p5].every((part) => part === 0);
  const isIsatap = (p4 & 0xfdff) === 0 && p5 === 0x5efe;
  return isCompatible || isIsatap ? [last] : [];
}

function hostNameProblem(host: string, allowed: AllowedTargets): string | null {
  const name = host.toLowerCase().replace(/\.+$/, '');
  if (name === '') return 'The URL has no host.';
  if (METADATA_NAMES.has(name)) return `"${name}" is a cloud's metadata service: nothing is ever delivered there.`;
  if (name === 'localhost' || name.endsWith('.localhost')) {
    const permitted = ['127.0.0.1', '::1'].some((address) => isIn(ipaddr.parse(address), allowed.networks));
    return permitted ? null : `"${name}" is this machine itself (loopback). ${PUBLIC_ONLY}`;
  }
  const isPrivate = !name.includes('.') || PRIVATE_ZONES.some((zone) => name.endsWith(`.${zone}`));
  return isPrivate && allowed.networks.length === 0 ? `"${name}" is a name of private networks. ${PUBLIC_ONLY}` : null;
}

/**
 * Refused whatever is allowed: nothing but credentials is to be had there. Their usual address (169.254.169.254) is refused
 * anyway, but a network may answer these names with another one.
 */
const METADATA_NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.azure.internal',
  'metadata.oraclecloud.internal',
  'metadata.tencentyun.com',
  'metadata.packet.net',
  'metadata.platformequinix.com',
  'rancher-metadata',
  'rancher-metadata.rancher.internal',
]);

/**
 * Zones that no public server is in: RFC 6762 (local, and appendix G), RFC 8375 (home.arpa), ICANN's reservation of
 * "internal", and names without a dot. Where no private network is allowed such a name cannot work, and it is better to say
 * so when the subscription is made. Where one is, the addresses behind the name decide: n8n.internal is what to deliver to.
 */
const PRIVATE_ZONES = ['internal', 'local', 'localdomain', 'home.arpa', 'intranet', 'private', 'corp', 'home', 'lan'];

/**
 * Ports whose services can be harmed by an HTTP request. First the "bad ports" of the Fetch standard (§ port blocking), which
 * browsers refuse; then data stores, brokers and remote control.
 */
const SERVICE_PORTS = new Set(
  `1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 123 135 137
   139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 990 993 995 1719 1720 1723
   2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 10080
   445 873 1433 1521 1883 2181 2375 2376 2379 2380 3306 3389 5432 5671 5672 5900 5984 6379 9042 9092 9200 9300 10250 11211
   26379 27017`
    .split(/\s+/)
    .map(Number),
);
