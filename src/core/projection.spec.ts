import { describe, expect, it } from 'vitest';
import { compileProjection, pointerProblem, projectJson } from './projection.js';

const projected = (json: string, ...pointers: string[]) => projectJson(json, compileProjection(pointers));

describe('a projection', () => {
  it.each([
    ['{"b":1,"a":2,"c":3}', ['/a', '/b'], '{"b":1,"a":2}'],
    ['{"a":{"x":1,"y":{"z":[1,2]}},"b":null}', ['/a/y', '/b'], '{"a":{"y":{"z":[1,2]}},"b":null}'],
    ['{"a":{"x":1,"y":2}}', ['/a', '/a/x'], '{"a":{"x":1,"y":2}}'],
    ['{"a":{"x":1,"y":2}}', ['/a/x', '/a'], '{"a":{"x":1,"y":2}}'],
    ['{"list":[{"id":1,"n":"a"},{"id":2},{"id":3}]}', ['/list/2', '/list/0/id'], '{"list":[{"id":1},{"id":3}]}'],
    ['{"list":[1,2]}', ['/list/-', '/list/01', '/list/length', '/list/2'], '{}'],
    ['{"a/b":{"m~n":1,"":2},"a":0}', ['/a~1b/m~0n', '/a~1b/'], '{"a/b":{"m~n":1,"":2}}'],
    ['{"":{"":1},"a":2}', ['/'], '{"":{"":1}}'],
    ['{"a":"text","b":null,"c":false}', ['/a/length', '/b/x', '/c/x', '/d', '/toString', '/constructor/name'], '{}'],
    [
      '{"__proto__":{"x":1},"a":{"__proto__":2}}',
      ['/__proto__/x', '/a/__proto__'],
      '{"__proto__":{"x":1},"a":{"__proto__":2}}',
    ],
    ['{"a":{}, "b":[]}', ['/a', '/b'], '{"a":{},"b":[]}'],
  ])('of %s with %j is %s', (json, pointers, expected) => {
    expect(projected(json, ...pointers)).toBe(expected);
  });
});

describe('a pointer', () => {
  it.each(['/a', '/', '/a/0/b', '/~0~1', '/ä/ /"'])('may be "%s"', (pointer) =>
    expect(pointerProblem(pointer)).toBeNull(),
  );
  it.each(['', 'a', 'a/b', '$.a', '#/a', '/~', '/a~2', '/nul\u0000'])('must not be "%s"', (pointer) => {
    expect(pointerProblem(pointer)).toEqual(expect.any(String));
  });
});
