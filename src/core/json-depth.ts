const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * How deep the brackets of a JSON text are nested, found without parsing it: what parses a text that is nested ten thousand
 * deep, or writes it again, runs out of stack. Stops at `limit + 1`. On bytes that are no JSON the number means nothing.
 */
export function jsonDepth(bytes: Uint8Array, limit: number): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      i++;
      while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      if (depth > deepest) deepest = depth;
      if (deepest > limit) return deepest;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
    }
  }
  return deepest;
}
