import type { Ability } from './provider-client.js';
import { ProviderError } from './provider-error.js';

/** Tries one thing. What the provider refuses is told in the ability; what is our own mistake stays an exception. */
export async function ability(name: string, works: string, attempt: () => Promise<unknown>): Promise<Ability> {
  try {
    const found = await attempt();
    return { name, ok: true, message: typeof found === 'string' ? found : works };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { name, ok: false, message: error.message };
  }
}

/** Something is not as it should be, although the provider answered. */
export function lacking(message: string): ProviderError {
  return new ProviderError('invalid', message);
}

/** The first decides whether the others are asked at all: with wrong credentials each would only say the same. */
export async function abilities(first: Promise<Ability>, further: (() => Promise<Ability>)[]): Promise<Ability[]> {
  const checked = [await first];
  if (!checked[0]?.ok) return checked;
  for (const one of further) checked.push(await one());
  return checked;
}
