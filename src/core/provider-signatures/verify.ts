import { fitKey, fitName } from './body-fields.js';
import type { Check, Provider } from './provider.js';
import { findProvider } from './providers.js';
import type { ProviderRequest } from './request.js';
import { Settings } from './settings.js';
import { type Proof, refuse, type Verdict } from './verdict.js';

/**
 * Judges one inbound request. Pure: the time comes in, keys come in (`settings.jwks` for Google), nothing is fetched, and
 * no input makes it throw.
 *
 * The vendors' own libraries are not used: each covers one scheme, and the usual ones read the clock themselves, are
 * asynchronous, throw, or take one secret. What is left without that is one HMAC. Where a vendor publishes test vectors,
 * test/conformance runs them; Standard Webhooks is checked against its reference library there.
 *
 * @param secrets the active secrets of the source: none yet, one, or two while one replaces the other
 * @param settings as stored with the source; see each provider's `settings`
 */
export function verifyProviderRequest(
  providerName: string,
  request: ProviderRequest,
  secrets: readonly string[],
  settings: unknown,
  now: Date,
): Verdict {
  const provider = findProvider(providerName);
  if (!provider) return refuse('unknown_provider', 'there is no verifier for the provider of this source');
  try {
    const usable = secrets.filter((secret) => typeof secret === 'string' && secret !== '');
    return judge(provider, { request, secrets: usable, settings: new Settings(provider.settings, settings), now });
  } catch {
    // A fault of ours must not let a request in, nor answer the provider with a 500.
    return refuse('unverifiable', 'the request could not be checked');
  }
}

function judge(provider: Provider, check: Check): Verdict {
  if (!provider.methods.includes(check.request.method)) {
    return refuse('method_not_supported', `${provider.title} sends ${provider.methods.join(' or ')}, not this method`);
  }
  const opened = provider.openHandshake?.(check);
  if (opened) return opened;
  const proof = prove(provider, check);
  if (proof.kind === 'refused') return proof;
  const handshake = provider.signedHandshake?.(check);
  if (handshake) return handshake;

  const { deliveryId, eventName } = provider.identify(check);
  const [key, name] = [fitKey(deliveryId), fitName(eventName)];
  return {
    kind: 'verified',
    authenticated: proof.kind === 'match',
    ...(key !== undefined && { deliveryId: key }),
    ...(name !== undefined && { eventName: name }),
    ...(proof.kind === 'match' && proof.secretIndex !== undefined && { secretIndex: proof.secretIndex }),
  };
}

// An HMAC with an empty key is one that anybody can make: without a secret nothing verifies, unless the owner said so.
function prove(provider: Provider, check: Check): Proof {
  if (provider.secret.kind === 'none' || check.secrets.length > 0) return provider.verify(check);
  if (check.settings.flag('allowUnsigned')) return { kind: 'unsigned' };
  return refuse('no_secret', `this source has no secret yet. ${provider.secret.about}`);
}
