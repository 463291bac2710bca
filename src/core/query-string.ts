/**
 * A query string as an object: a name that comes several times has a list, and `name[key]=value` is member `key` of `name`
 * (`customField[favorite_drink]=latte`, as the FlowKick guide writes it).
 */
export function parseQuery(text: string): Record<string, unknown> {
  const flat = new Map<string, string | string[]>();
  const nested = new Map<string, Map<string, string | string[]>>();
  for (const [name, value] of new URLSearchParams(text)) {
    const [, outer, inner] = /^([^[\]]+)\[([^[\]]+)\]$/.exec(name) ?? [];
    if (outer === undefined || inner === undefined) add(flat, name, value);
    else {
      const members = nested.get(outer) ?? new Map();
      nested.set(outer, members);
      add(members, inner, value);
    }
  }
  const members = [...nested].map(([name, values]) => [name, Object.fromEntries(values)] as const);
  return Object.fromEntries([...flat, ...members]);
}

function add(values: Map<string, string | string[]>, name: string, value: string): void {
  const before = values.get(name);
  values.set(name, before === undefined ? value : [before, value].flat());
}
