import { createHash } from 'node:crypto';

/**
 * The same for the same content, in whatever order its members come; absent, null and empty are one. By it our own write is known
 * when a provider tells us of it.
 */
export function contentHash(content: Record<string, unknown>): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(content)))
    .digest('base64url')
    .slice(0, 32);
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (value instanceof Date) return value.toISOString();
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined && member !== null && member !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return members.map(([name, member]) => [name, canonical(member)]);
}
