import { describe, expect, it } from 'vitest';
import { mapFields, mappingProblems } from './field-mapping.js';

describe('mapFields', () => {
  const payload = { a: { 'b/c': [1, { d: 'x' }] }, 'm~n': 8, zero: 0, nothing: null };

  it.each<[Record<string, unknown>, object]>([
    [
      { x: '/a/b~1c/1/d', y: '/m~0n', z: '/zero', n: '/nothing' },
      { x: 'x', y: 8, z: 0, n: null },
    ],
    [{ all: '' }, { all: payload }],
    [{ 'p.q': '/zero', 'p.r': { value: [1] } }, { p: { q: 0, r: [1] } }],
    [{ gone: '/nowhere/at/all', up: '/zero/x', inherited: '/constructor' }, {}],
    [{ p: '/zero', 'p.q': '/zero' }, { p: { q: 0 } }],
  ])('%j', (mapping, expected) => {
    expect(mappingProblems(mapping)).toEqual([]);
    expect(mapFields(mapping, payload)).toEqual(expected);
  });

  it('leaves the payload as it is', () => {
    const given = { a: { b: 1 } };
    expect(mapFields({ x: '/a', 'x.c': { value: 2 } }, given)).toEqual({ x: { b: 1, c: 2 } });
    expect(given).toEqual({ a: { b: 1 } });
  });
});

it.each([
  [{}, ''],
  [{ a: 'no-pointer' }, '/a'],
  [{ a: 5 }, '/a'],
  [{ a: { value: 1, more: 2 } }, '/a'],
  [{ 'a..b': '/x' }, '/a..b'],
  [{ 'x.__proto__.y': '/x' }, '/x.__proto__.y'],
])('%j cannot be saved', (mapping, pointer) => {
  expect(mappingProblems(mapping).map((problem) => problem.pointer)).toEqual([pointer]);
});
