import { describe, expect, it } from 'vitest';
import { networkError } from './network-error-words.js';

describe('a request without an answer is told in plain words', () => {
  it.each([
    ['ENOTFOUND', 'dns', 'could not be resolved'],
    ['EAI_AGAIN', 'dns', 'DNS'],
    ['ECONNREFUSED', 'connection_refused', 'refused'],
    ['ECONNRESET', 'connection_reset', 'closed before an answer'],
    ['UND_ERR_SOCKET', 'connection_reset', 'closed before an answer'],
    ['EHOSTUNREACH', 'unreachable', 'no route'],
    ['ETIMEDOUT', 'timeout_connect', 'did not answer'],
    ['CERT_HAS_EXPIRED', 'tls_certificate_expired', 'has expired'],
    ['CERT_NOT_YET_VALID', 'tls_certificate_not_yet_valid', 'not valid yet'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls_certificate_self_signed', 'signed by itself'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls_certificate_untrusted', 'trusted authority'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls_certificate_untrusted', 'full chain'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls_certificate_untrusted', 'full chain'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_certificate_wrong_host', 'another host name. told by Node.'],
    ['CERT_REVOKED', 'tls_certificate_revoked', 'revoked'],
    ['INVALID_PURPOSE', 'tls_certificate_invalid', 'INVALID_PURPOSE'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls_not_spoken', 'http://'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'tls_protocol', 'too old'],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', 'tls_handshake', 'ended the TLS handshake'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tls_client_certificate', 'client certificate'],
    ['ERR_SSL_SOMETHING_NEW', 'tls', 'ERR_SSL_SOMETHING_NEW'],
    ['HPE_INVALID_CONSTANT', 'not_http', 'not HTTP'],
    ['HPE_HEADER_OVERFLOW', 'answer_headers_too_large', 'too large'],
    ['PROXY_FAILED', 'proxy', 'told by Node'],
    ['EWHATEVER', 'network', 'told by Node (EWHATEVER)'],
  ])('%s', (code, expected, words) => {
    expect(networkError(code, 'told by Node')).toEqual({ code: expected, message: expect.stringContaining(words) });
  });

  it('also where nobody gave a reason', () => {
    expect(networkError('EWHATEVER', '').message).toBe('The request failed: no reason was given (EWHATEVER).');
  });
});
