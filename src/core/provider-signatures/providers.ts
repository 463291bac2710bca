import { calcom } from './calcom.js';
import { calendly } from './calendly.js';
import { chatwoot } from './chatwoot.js';
import { evolution } from './evolution.js';
import { genericHmac } from './generic-hmac.js';
import { github } from './github.js';
import { googlePubsub } from './google-pubsub.js';
import { hubspot } from './hubspot.js';
import { mercadopago } from './mercadopago.js';
import { meta } from './meta.js';
import type { Provider } from './provider.js';
import { problemsOf, type SettingProblem, Settings } from './settings.js';
import { shopify } from './shopify.js';
import { slack } from './slack.js';
import { standardwebhooks, svix } from './standard-webhooks.js';
import { asaas, none, staticHeader } from './static-header.js';
import { stripe } from './stripe.js';
import { twenty } from './twenty.js';
import { twilio } from './twilio.js';
import { typeform } from './typeform.js';

/** Every provider a source can have. What each needs, checks and answers is said in its own file. */
export const PROVIDERS = {
  twenty,
  chatwoot,
  calcom,
  calendly,
  evolution,
  twilio,
  stripe,
  github,
  shopify,
  hubspot,
  slack,
  'google-pubsub': googlePubsub,
  meta,
  mercadopago,
  typeform,
  standardwebhooks,
  svix,
  asaas,
  'generic-hmac': genericHmac,
  'static-header': staticHeader,
  none,
} as const satisfies Record<string, Provider>;

export type ProviderName = keyof typeof PROVIDERS;

export const PROVIDER_NAMES = Object.keys(PROVIDERS) as ProviderName[];

export function findProvider(name: string): Provider | null {
  return Object.hasOwn(PROVIDERS, name) ? PROVIDERS[name as ProviderName] : null;
}

/** What is wrong with the settings of a new or changed source, in words; empty when they can be saved. */
export function settingProblems(provider: Provider, settings: unknown): SettingProblem[] {
  const problems = problemsOf(provider.settings, settings);
  if (problems.length > 0) return problems;
  return provider.settingProblems?.(new Settings(provider.settings, settings)) ?? [];
}
