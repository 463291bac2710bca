import type { AttemptError } from './attempt-outcome.js';

/**
 * A request that got no answer, in plain words. `code` is what Node, OpenSSL or undici call it (ECONNREFUSED,
 * CERT_HAS_EXPIRED, HPE_INVALID_CONSTANT …); what is not known here is told as they tell it.
 */
export function networkError(code: string, message: string): AttemptError {
  const known = KINDS[code] ?? (code.startsWith('ERR_SSL_') ? 'tls' : code.startsWith('HPE_') ? 'not_http' : null);
  if (!known) return { code: 'network', message: `The request failed: ${message || 'no reason was given'} (${code}).` };
  const words = WORDS[known];
  return { code: known, message: typeof words === 'function' ? words(message, code) : words };
}

const WORDS = {
  dns: 'The host name could not be resolved (DNS). Check its spelling and its DNS records.',
  connection_refused: 'The connection was refused: nothing listens at that address and port.',
  connection_reset: 'The connection was closed before an answer came.',
  unreachable: 'There is no route to the host.',
  timeout_connect: 'No connection could be made: the host did not answer.',
  tls_certificate_expired: "The endpoint's TLS certificate has expired. Renew it.",
  tls_certificate_not_yet_valid:
    "The endpoint's TLS certificate is not valid yet. Check its dates and the clock of the machine that made it.",
  tls_certificate_self_signed:
    "The endpoint's TLS certificate is signed by itself, not by an authority. Use one of a public authority.",
  tls_certificate_untrusted:
    "The endpoint's TLS certificate does not lead to a trusted authority. Often the server does not send the intermediate certificate: configure the full chain.",
  tls_certificate_wrong_host: (message: string) =>
    `The endpoint's TLS certificate is for another host name. ${message}`.replace(/\.?$/, '.'),
  tls_certificate_revoked: "The endpoint's TLS certificate has been revoked. Replace it.",
  tls_certificate_invalid: (_: string, code: string) => `The endpoint's TLS certificate is not acceptable (${code}).`,
  tls_not_spoken: 'The endpoint does not speak TLS at that port. Is it an http:// address?',
  tls_protocol: 'The endpoint only speaks a version of TLS that is too old. It must offer TLS 1.2 or 1.3.',
  tls_handshake: 'The endpoint ended the TLS handshake: no common settings, or a host name it does not know.',
  tls_client_certificate: 'The endpoint asks for a client certificate in TLS, which deliveries do not have.',
  tls: (_: string, code: string) => `No TLS connection could be made (${code}).`,
  not_http: 'What the endpoint answered is not HTTP.',
  answer_headers_too_large: "The headers of the endpoint's answer are too large.",
  proxy: (message: string) => message,
};

const KINDS: Record<string, keyof typeof WORDS> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ENODATA: 'dns',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ECONNABORTED: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'connection_reset',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'timeout_connect',
  CERT_HAS_EXPIRED: 'tls_certificate_expired',
  CERT_NOT_YET_VALID: 'tls_certificate_not_yet_valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_certificate_self_signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_certificate_untrusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT: 'tls_certificate_untrusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_certificate_untrusted',
  CERT_UNTRUSTED: 'tls_certificate_untrusted',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls_certificate_wrong_host',
  HOSTNAME_MISMATCH: 'tls_certificate_wrong_host',
  CERT_REVOKED: 'tls_certificate_revoked',
  CERT_REJECTED: 'tls_certificate_invalid',
  CERT_SIGNATURE_FAILURE: 'tls_certificate_invalid',
  CERT_CHAIN_TOO_LONG: 'tls_certificate_invalid',
  PATH_LENGTH_EXCEEDED: 'tls_certificate_invalid',
  INVALID_CA: 'tls_certificate_invalid',
  INVALID_PURPOSE: 'tls_certificate_invalid',
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls_not_spoken',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'tls_not_spoken',
  ERR_SSL_HTTP_REQUEST: 'tls_not_spoken',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'tls_protocol',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'tls_protocol',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'tls_handshake',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'tls_handshake',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'tls_client_certificate',
  TLS_CLOSED: 'tls_handshake',
  EPROTO: 'tls',
  // undici's name for an answer that its parser does not take and has no code for.
  HTTPParserError: 'not_http',
  HPE_HEADER_OVERFLOW: 'answer_headers_too_large',
  UND_ERR_HEADERS_OVERFLOW: 'answer_headers_too_large',
  PROXY_FAILED: 'proxy',
};
