import { isIP } from 'node:net';
import { addressProblem, hostOf } from './url-policy.js';

/** What will probably go wrong with deliveries to this URL although it is allowed, in words. */
export function urlWarnings(value: string): string[] {
  const url = new URL(value);
  const warnings: string[] = [];
  if (/\/webhook-test\//.test(url.pathname)) {
    warnings.push(
      'This is a test URL of n8n ("/webhook-test/"): it answers only while the workflow is open in the editor and listens. ' +
        'Activate the workflow and use its production URL ("/webhook/").',
    );
  }
  if (url.protocol === 'http:' && isPublicHost(hostOf(url))) {
    warnings.push('The URL is plain http to a public host: anybody on the way can read what is sent. Use https.');
  }
  return warnings;
}

/** Names with no dot, and those of private zones (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`), are not resolved outside. */
function isPublicHost(host: string): boolean {
  if (isIP(host)) return addressProblem(host, { networks: [], ports: [] }) === null;
  return host.includes('.') && !/\.(localhost|local|internal|home\.arpa|test|invalid)\.?$/.test(host);
}
