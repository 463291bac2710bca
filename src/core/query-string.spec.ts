import { expect, it } from 'vitest';
import { parseQuery } from './query-string.js';

it.each([
  ['', {}],
  ['a=1&b=x+y%20z', { a: '1', b: 'x y z' }],
  ['a=1&a=2&a=3', { a: ['1', '2', '3'] }],
  [
    'customField[favorite_drink]=latte&customField%5Bsize%5D=big',
    { customField: { favorite_drink: 'latte', size: 'big' } },
  ],
  ['f[a]=1&f[a]=2', { f: { a: ['1', '2'] } }],
  ['f[]=1&[x]=2&f[a][b]=3', { 'f[]': '1', '[x]': '2', 'f[a][b]': '3' }],
  ['flag&empty=', { flag: '', empty: '' }],
  ['p=%E0%A4%A', { p: '\ufffd%A' }],
])('%s', (text, parsed) => expect(parseQuery(text)).toEqual(parsed));

it('has no way to the prototype of objects', () => {
  const parsed = parseQuery('__proto__[polluted]=1&f[__proto__]=2') as { f: object };
  expect(Object.hasOwn(parsed, '__proto__')).toBe(true);
  expect(({} as { polluted?: string }).polluted).toBeUndefined();
  expect(Object.getPrototypeOf(parsed.f)).toBe(Object.prototype);
});
