/** Which parts of a document are kept: the pointers' segments as a tree, `true` where all below is kept. */
export type Projection = ReadonlyMap<string, Projection | true>;

type Branch = Map<string, Branch | true>;

/** Why this is no JSON pointer (RFC 6901) to a part of a document, in words, or null. */
export function pointerProblem(pointer: string): string | null {
  if (pointer === '') return 'The empty pointer means all of the data: leave "fields" out instead.';
  if (!pointer.startsWith('/'))
    return `"${pointer}" is not a JSON pointer: one starts with "/", like "/contact/email".`;
  if (/~(?![01])/.test(pointer))
    return `"${pointer}" is not a JSON pointer: write "~" as "~0" and "/" in a name as "~1".`;
  if (pointer.includes('\u0000')) return 'The NUL character cannot be stored.';
  return null;
}

/** Made once for a list of pointers, applied to many documents. */
export function compileProjection(pointers: readonly string[]): Projection {
  const root: Branch = new Map();
  for (const pointer of pointers) {
    const segments = pointer
      .slice(1)
      .split('/')
      .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = segments.pop() as string;
    let branch: Branch | true = root;
    for (const segment of segments) {
      if (branch === true) break;
      const next: Branch | true = branch.get(segment) ?? new Map();
      branch.set(segment, next);
      branch = next;
    }
    if (branch !== true) branch.set(last, true);
  }
  return root;
}

/**
 * The parts of a JSON object that are asked for, where they were and in the order they had; what it does not have is absent.
 * Of a list, the chosen entries move together: nothing stands for those left out.
 */
export function projectJson(json: string, projection: Projection): string {
  return JSON.stringify(project(JSON.parse(json), projection) ?? {});
}

function project(value: unknown, projection: Projection | true): unknown {
  if (projection === true) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    const entries = value.flatMap((entry, i) => {
      const kept = projected(entry, projection.get(String(i)));
      return kept === undefined ? [] : [kept];
    });
    return entries.length > 0 ? entries : undefined;
  }
  // Without a prototype, a key named "__proto__" is a key like any other.
  const parts: Record<string, unknown> = Object.create(null);
  for (const [key, entry] of Object.entries(value)) {
    const kept = projected(entry, projection.get(key));
    if (kept !== undefined) parts[key] = kept;
  }
  return Object.keys(parts).length > 0 ? parts : undefined;
}

function projected(value: unknown, projection: Projection | true | undefined): unknown {
  return projection === undefined ? undefined : project(value, projection);
}
