import { describe, expect, it } from 'vitest';
import { checkFilter, MAX_FILTER_CONDITIONS, MAX_FILTER_DEPTH, matches } from './event-filter.js';

const body = {
  stage: 'won',
  amount: 120.5,
  at: '2026-03-01T12:00:00Z',
  nothing: null,
  on: true,
  tags: ['vip', 'new'],
  empty: [],
  customer: { email: 'ana@example.com', address: { city: 'São Paulo' } },
  items: [
    { sku: 'a-1', qty: 1 },
    { sku: 'b-2', qty: 20, parts: [{ id: 7 }] },
  ],
};

describe('matches', () => {
  it.each<[string, object, boolean]>([
    ['everything without conditions', {}, true],
    ['a member', { stage: 'won' }, true],
    ['another value', { stage: 'lost' }, false],
    ['of several members all', { stage: 'won', on: false }, false],
    ['a nested member', { 'customer.address.city': 'São Paulo' }, true],
    ['null for null', { nothing: null }, true],
    ['null for what is not there', { absent: null }, true],
    ['no text for null', { nothing: 'null' }, false],
    ['no number for its text', { amount: '120.5' }, false],
    ['an entry of a list', { tags: 'vip' }, true],
    ['no other entry', { tags: 'old' }, false],
    ['a member of an entry', { 'items.sku': 'b-2' }, true],
    ['a member of a named entry', { 'items.0.sku': 'b-2' }, false],
    ['a member of lists in lists', { 'items.parts.id': 7 }, true],
    ['$eq', { stage: { $eq: 'won' } }, true],
    ['$ne', { stage: { $ne: 'won' } }, false],
    ['$ne over a list: no entry equals', { tags: { $ne: 'vip' } }, false],
    ['$ne of what is not there', { absent: { $ne: 1 } }, true],
    ['$in', { stage: { $in: ['lost', 'won'] } }, true],
    ['$nin', { stage: { $nin: ['lost', 'won'] } }, false],
    ['$gt', { amount: { $gt: 120.5 } }, false],
    ['$gte and $lt', { amount: { $gte: 120.5, $lt: 121 } }, true],
    ['$lte over entries: one is enough', { 'items.qty': { $lte: 1 } }, true],
    ['times as texts', { at: { $gt: '2026-02-28', $lt: '2026-03-02' } }, true],
    ['no number with a text', { amount: { $gt: '1' } }, false],
    ['nothing with what is not there', { absent: { $lt: 1 } }, false],
    ['$exists', { 'customer.email': { $exists: true }, absent: { $exists: false } }, true],
    ['$exists of null and of an empty list', { nothing: { $exists: true }, empty: { $exists: true } }, true],
    ['$startsWith', { 'customer.email': { $startsWith: 'ana@' } }, true],
    ['$endsWith', { 'customer.email': { $endsWith: '.org' } }, false],
    ['$contains', { 'customer.address.city': { $contains: 'Pau' } }, true],
    ['$not', { amount: { $not: { $gt: 200 } } }, true],
    ['$and', { $and: [{ on: true }, { stage: 'won' }] }, true],
    ['$or', { $or: [{ on: false }, { stage: 'won' }] }, true],
    ['$nor', { $nor: [{ on: false }, { stage: 'won' }] }, false],
    ['no inherited member', { 'constructor.name': { $exists: true } }, false],
    ['no prototype', { '__proto__.toString': { $exists: true } }, false],
  ])('%s', (_what, filter, expected) => {
    expect(checkFilter(filter)).toEqual([]);
    expect(matches(filter, body)).toBe(expected);
  });

  it.each([null, 'text', 5, [], undefined])('takes %j for a body without members', (value) => {
    expect(matches({ a: 1 }, value)).toBe(false);
    expect(matches({ a: { $exists: false } }, value)).toBe(true);
  });

  it('looks at a bounded number of values', () => {
    const many = { list: Array.from({ length: 50 }, () => ({ list: Array.from({ length: 1000 }, () => ({ n: 1 })) })) };
    expect(matches({ 'list.list.n': 2 }, many)).toBe(false);
    expect(matches({ 'list.list.n': 1 }, many)).toBe(true);
  });
});

describe('checkFilter', () => {
  it.each<[unknown, string, string]>([
    [null, '', 'JSON object'],
    [[], '', 'JSON object'],
    [{ $where: 'x' }, '/$where', 'cannot stand here'],
    [{ a: { $regex: '.*' } }, '/a/$regex', 'no operator $regex'],
    [{ a: { $constructor: 1 } }, '/a/$constructor', 'no operator'],
    [{ a: {} }, '/a', 'no operator in it'],
    [{ a: [1] }, '/a', 'The value'],
    [{ a: { b: 1 } }, '/a/b', 'no operator b'],
    [{ 'a/b~c': { $in: 1 } }, '/a~1b~0c/$in', 'list'],
    [{ a: { $in: [{}] } }, '/a/$in', 'list'],
    [{ a: { $exists: 1 } }, '/a/$exists', 'true or false'],
    [{ a: { $gt: null } }, '/a/$gt', 'number or a text'],
    [{ a: { $startsWith: 1 } }, '/a/$startsWith', 'text'],
    [{ a: { $not: 1 } }, '/a/$not', 'object of operators'],
    [{ a: 'x'.repeat(1001) }, '/a', 'at most 1000'],
    [{ 'a..b': 1 }, '/a..b', 'no path'],
    [{ $or: [] }, '/$or', 'list of filters'],
    [{ $or: [1] }, '/$or/0', 'JSON object'],
  ])('%j', (filter, pointer, words) => {
    expect(checkFilter(filter)).toEqual([{ pointer, detail: expect.stringContaining(words) }]);
  });

  it('bounds depth and number of conditions', () => {
    const nested = (depth: number): object => (depth === 0 ? { a: 1 } : { $and: [nested(depth - 1)] });
    expect(checkFilter(nested(MAX_FILTER_DEPTH - 2))).toEqual([]);
    expect(checkFilter(nested(MAX_FILTER_DEPTH))[0]?.detail).toContain('deep');
    const wide = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`m${i}`, i]));
    expect(checkFilter(wide(MAX_FILTER_CONDITIONS))).toEqual([]);
    expect(checkFilter(wide(MAX_FILTER_CONDITIONS + 1))[0]?.detail).toContain(`${MAX_FILTER_CONDITIONS + 1}`);
  });
});
