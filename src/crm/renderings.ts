import { CONTACT_RENDERINGS } from './contact-renderings.js';
import type { DomainChange } from './domain-change.js';
import type { Rendering } from './rendering.js';

/** Every change in every vocabulary: the one place to look up what is told of a write. */
const RENDERINGS: readonly Rendering[] = [...CONTACT_RENDERINGS];

export function renderingsOf(kind: DomainChange['kind']): Rendering[] {
  return RENDERINGS.filter((one) => one.kind === kind);
}
