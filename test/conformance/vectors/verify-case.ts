import { expect } from 'vitest';
import type { Verdict } from '../../../src/core/provider-signatures/verdict.js';
import { verifyProviderRequest } from '../../../src/core/provider-signatures/verify.js';
import { type SignatureCase, signatureVectors, toCase, toRequest } from './to-request.js';

export function verify(one: SignatureCase): Verdict {
  return verifyProviderRequest(one.provider, toRequest(one), one.secrets, one.settings, one.now);
}

export function accepts(verdict: Verdict): boolean {
  return verdict.kind === 'verified' || (verdict.kind === 'handshake' && verdict.status === 200);
}

export function vectorCase(id: string): SignatureCase {
  const vector = signatureVectors.find((one) => one.id === id);
  if (!vector) throw new Error(`there is no vector ${id}`);
  return toCase(vector);
}

/** A POST to a source with one secret, for the forms no vector shows. */
export function aCase(
  provider: string,
  change: Partial<Omit<SignatureCase, 'body'>> & { body?: string | Buffer } = {},
): SignatureCase {
  return {
    provider,
    secrets: ['a-secret-of-this-source'],
    settings: {},
    method: 'POST',
    url: `https://hooks.example.com/in/abc/${provider}`,
    headers: [],
    now: new Date(1_760_000_000_000),
    ...change,
    body: Buffer.from(change.body ?? '{"id":"evt_1","event":"thing.happened"}'),
  };
}

/** A message is shown and logged: no secret, and nothing as long as a digest or a token. */
export function expectDiscreet(verdict: Verdict, secrets: string[]): void {
  if (verdict.kind !== 'refused') return;
  for (const secret of secrets) expect(verdict.message).not.toContain(secret);
  expect(verdict.message).not.toMatch(/[A-Za-z0-9+=]{27,}/);
}
