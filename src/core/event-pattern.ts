const NAME = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;
export const MAX_EVENT_TYPE_LENGTH = 128;

/** Dot-separated words of letters, digits, `_` and `-`: `contact.created`. */
export function isEventTypeName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_EVENT_TYPE_LENGTH && NAME.test(value);
}

/** An exact name, `contact.*` (everything below `contact.`) or `*` (everything). */
export function isEventPattern(value: unknown): value is string {
  if (value === '*' || isEventTypeName(value)) return true;
  return typeof value === 'string' && value.endsWith('.*') && isEventTypeName(value.slice(0, -2));
}

/** All patterns that match a name, most specific first: `a.b.c` → `a.b.c`, `a.b.*`, `a.*`, `*`. */
export function patternsMatching(eventType: string): string[] {
  const words = eventType.split('.');
  const patterns = [eventType];
  for (let n = words.length - 1; n > 0; n--) patterns.push(`${words.slice(0, n).join('.')}.*`);
  patterns.push('*');
  return patterns;
}

/** Drops duplicates and whatever a wider pattern of the list covers, keeping the order: an event then matches at most one. */
export function minimalPatterns(patterns: readonly string[]): string[] {
  const all = new Set(patterns);
  return [...all].filter((pattern) => {
    const name = pattern.endsWith('.*') ? pattern.slice(0, -2) : pattern;
    return (
      pattern === '*' || !patternsMatching(name).some((wider) => wider !== pattern && wider !== name && all.has(wider))
    );
  });
}
