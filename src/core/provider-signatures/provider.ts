import type { ProviderRequest } from './request.js';
import type { SettingSpec, Settings } from './settings.js';
import type { Handshake, Proof, Refusal } from './verdict.js';

/** What a verifier is given. `secrets` are the active ones (two during rotation), none of them empty. */
export interface Check {
  request: ProviderRequest;
  secrets: readonly string[];
  settings: Settings;
  now: Date;
}

export interface Identity {
  deliveryId?: string;
  eventName?: string;
}

/** The answer after a request was stored. 200 and nothing else counts as success everywhere (provider sheet, rule 6). */
export interface Acknowledgement {
  contentType: string;
  body: string;
}

export interface SecretNeed {
  /** `none`: the proof comes from elsewhere (Google's keys), or there is no proof. */
  kind: 'none' | 'hmac-key' | 'jwt-key' | 'token';
  /** Who makes it up: decides whether it can be set when the source is created or has to be pasted afterwards. */
  madeBy: 'you' | 'provider' | 'nobody';
  about: string;
}

/** Everything Posthaste knows about one provider's requests. Facts come from the provider sheet. */
export interface Provider {
  title: string;
  methods: readonly string[];
  secret: SecretNeed;
  settings: readonly SettingSpec[];
  /** False: the body is not covered by the proof. Fetch the resource from the provider where money or identity is at stake. */
  bodySigned: boolean;
  /** Extra forms taken when `acceptLegacySignatures` is on, in words. Never weaker than an HMAC over the body. */
  legacyForms?: readonly string[];
  /** How long delivery ids must be kept: at least as long as the provider retries. */
  keepDeliveryIdsDays: number;
  acknowledgement: Acknowledgement;
  /** Members of a body that are secrets or personal: hidden where a body is shown, at any depth. */
  sensitiveFields: readonly string[];
  verify(check: Check): Proof;
  identify(check: Check): Identity;
  /** A set-up check that is answered without a signature; null when the request is not one. */
  openHandshake?(check: Check): Handshake | Refusal | null;
  /** A set-up check that is signed as any other request. */
  signedHandshake?(check: Check): Handshake | null;
  /** Problems between settings that each look right. */
  settingProblems?(settings: Settings): { pointer: string; detail: string }[];
}

const RECEIVED: Acknowledgement = { contentType: 'application/json', body: '{"received":true}' };

/** What most providers have in common; an entry overrides what is different. */
export const USUAL = {
  methods: ['POST'],
  settings: [],
  bodySigned: true,
  keepDeliveryIdsDays: 3,
  acknowledgement: RECEIVED,
  sensitiveFields: [],
} satisfies Partial<Provider>;
