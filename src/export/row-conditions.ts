/** Adds a value to a statement's and gives the placeholder that stands for it. */
export function place(values: unknown[], value: unknown, type: string): string {
  return `$${values.push(value)}::${type}`;
}

/** The condition that a column has this value; none when no value is asked for. */
export function equal(values: unknown[], column: string, value: unknown, type: string): string[] {
  return value === undefined ? [] : [`${column} = ${place(values, value, type)}`];
}

/** From `since` on and before `until`, each where it is given. */
export function inTime(values: unknown[], column: string, { since, until }: { since?: string; until?: string }) {
  return [
    ...(since === undefined ? [] : [`${column} >= ${place(values, new Date(since), 'timestamptz')}`]),
    ...(until === undefined ? [] : [`${column} < ${place(values, new Date(until), 'timestamptz')}`]),
  ];
}

export function allOf(...conditions: string[]): string {
  return conditions.join(' and ');
}
