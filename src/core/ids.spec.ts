import { describe, expect, it } from 'vitest';
import { isUuid, lowestIdAt, newId } from './ids.js';

describe('newId', () => {
  it('makes UUIDs of version 7 that sort in the order they were made, thousands in a millisecond', () => {
    const ids = Array.from({ length: 20_000 }, newId);
    expect(ids.every((id) => isUuid(id) && /^.{14}7.{4}[89ab]/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
  });

  it('begins with the time, so that a time can be looked for among ids', () => {
    const before = new Date();
    const id = newId();
    expect(id >= lowestIdAt(before)).toBe(true);
    expect(id < lowestIdAt(new Date(before.getTime() + 60_000))).toBe(true);
  });
});
