import type { BuiltInEventType, Vocabulary } from './built-in-event-type.js';
import { CRM_EVENT_TYPES } from './crm.js';
import { FLOWKICK_EVENT_TYPES } from './flowkick.js';
import { POSTHASTE_EVENT_TYPES } from './posthaste.js';
import { PT_BR_EVENT_TYPES } from './pt-br.js';

export type { BuiltInEventType, JsonSchema, Vocabulary } from './built-in-event-type.js';

/** Every event type a tenant has without adding one; a tenant's own entries are rows (event-type.store). */
export const BUILT_IN_EVENT_TYPES: readonly BuiltInEventType[] = [
  ...CRM_EVENT_TYPES,
  ...FLOWKICK_EVENT_TYPES,
  ...PT_BR_EVENT_TYPES,
  ...POSTHASTE_EVENT_TYPES,
];

const byName = new Map(BUILT_IN_EVENT_TYPES.map((type) => [type.name, type]));

export function findBuiltInEventType(name: string): BuiltInEventType | null {
  return byName.get(name) ?? null;
}

/** Null: the type is a tenant's own. */
export function vocabularyOf(name: string): Vocabulary | null {
  return byName.get(name)?.vocabulary ?? null;
}
