import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Networks that deliveries may go to although they are not public (ALLOW_PRIVATE_TARGETS). */
export type AllowedNetworks = readonly string[];

/**
 * Why this address may not be connected to, in words, or null.
 * Everything but public unicast is refused: private, loopback, link-local (with the cloud metadata address), carrier-grade NAT,
 * multicast, reserved, and the IPv6 forms that carry an IPv4 address inside (6to4, Teredo, NAT64); IPv4-mapped ones are
 * judged by the address they map.
 */
export function addressProblem(address: string, allowed: AllowedNetworks): string | null {
  if (!ipaddr.isValid(address)) return `"${address}" is not an IP address.`;
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (range === 'unicast') return null;
  const permitted = allowed.some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr);
    return network.kind() === parsed.kind() && parsed.match([network, bits] as never);
  });
  return permitted ? null : `${address} is not a public address (${range}).`;
}

/**
 * Why a subscription may not have this URL, in words, or null. Host names are judged when a connection is made,
 * after DNS: what a name points to now says nothing about what it will point to then.
 */
export function urlProblem(value: string, allowed: AllowedNetworks): string | null {
  if (!URL.canParse(value)) return 'This is not a URL. Give one like https://example.com/webhooks.';
  const url = new URL(value);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return `The URL must start with https:// or http://, not ${url.protocol}//.`;
  if (url.username || url.password)
    return 'The URL must not hold a user name or password: use a custom header or the auth setting.';
  if (url.hash) return 'The URL must not have a fragment (#…): it is never sent.';
  const host = hostOf(url);
  if (isIP(host)) {
    const problem = addressProblem(host, allowed);
    if (problem)
      return `${problem} Deliveries go to public addresses only; the operator can allow networks with ALLOW_PRIVATE_TARGETS.`;
  }
  return null;
}

/** The host without the brackets of an IPv6 literal. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
