const MAX_FIELDS = 200;
const MAX_DEPTH = 10;

/** What is wrong with a mapping; `pointer` leads into it. */
export interface MappingProblem {
  pointer: string;
  detail: string;
}

/**
 * A mapping makes data from a payload, member by member: `{"email": "/payload/email", "origin": {"value": "calcom"}}`. A text is a
 * JSON pointer (RFC 6901; "" is the whole payload), `{"value": …}` is itself. Dots in a name make nested objects. A pointer that
 * leads nowhere leaves its member out.
 */
export function mappingProblems(mapping: Record<string, unknown>): MappingProblem[] {
  const entries = Object.entries(mapping);
  if (entries.length === 0 || entries.length > MAX_FIELDS)
    return [{ pointer: '', detail: `A mapping has 1 to ${MAX_FIELDS} fields.` }];
  return entries.flatMap(([name, from]) => {
    const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const words = name.split('.');
    if (words.includes('') || words.length > MAX_DEPTH || words.includes('__proto__'))
      return [{ pointer, detail: `"${name.slice(0, 80)}" is no name such as "email" or "customer.email".` }];
    const isPointer = typeof from === 'string' && /^(\/.*)?$/s.test(from) && from.length <= 500;
    const isFixed = typeof from === 'object' && from !== null && Object.keys(from).join() === 'value';
    return isPointer || isFixed
      ? []
      : [{ pointer, detail: 'It must be a JSON pointer into the payload such as "/payload/email", or {"value": …}.' }];
  });
}

/** @param mapping one that `mappingProblems` found nothing wrong with */
export function mapFields(mapping: Record<string, unknown>, payload: unknown): Record<string, unknown> {
  const data: Record<string, unknown> = {};
  for (const [name, from] of Object.entries(mapping)) {
    const value = typeof from === 'string' ? valueAt(payload, from) : (from as { value: unknown }).value;
    if (value !== undefined) put(data, name.split('.'), value);
  }
  return data;
}

function valueAt(payload: unknown, pointer: string): unknown {
  let current = payload;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return undefined;
    current = (current as Record<string, unknown>)[name];
  }
  return current;
}

function put(target: Record<string, unknown>, path: string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const inner = Object.hasOwn(target, name) ? target[name] : undefined;
  const next = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? { ...inner } : {};
  put(next as Record<string, unknown>, rest, value);
  target[name] = next;
}
