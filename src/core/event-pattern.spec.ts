import { expect, it } from 'vitest';
import { isEventPattern, isEventTypeName, minimalPatterns, patternsMatching } from './event-pattern.js';

it.each(['a', 'contact.created', 'a.b.c', 'Booking_CREATED', 'x-1.y'])('%s is an event type', (name) => {
  expect(isEventTypeName(name)).toBe(true);
});
it.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'ção', 'a.*', '*', 'x'.repeat(129), 5, null])('%s is none', (name) => {
  expect(isEventTypeName(name)).toBe(false);
});
it('patterns are names, prefixes and the star', () => {
  expect(['*', 'a.*', 'a.b.*', 'a.b'].every(isEventPattern)).toBe(true);
  expect(['**', '*.a', 'a*', 'a.*.b', '.*'].some(isEventPattern)).toBe(false);
});
it('a name is matched by itself, every prefix and the star', () => {
  expect(patternsMatching('a.b.c')).toEqual(['a.b.c', 'a.b.*', 'a.*', '*']);
  expect(patternsMatching('a')).toEqual(['a', '*']);
});
it('what a wider pattern covers is dropped, so that an event matches at most one', () => {
  expect(minimalPatterns(['a.b', 'a.*', 'a.b.*', 'c', 'a.b'])).toEqual(['a.*', 'c']);
  expect(minimalPatterns(['a', 'a.*'])).toEqual(['a', 'a.*']);
  expect(minimalPatterns(['a.b', '*', 'c.*'])).toEqual(['*']);
  for (const name of ['a.b', 'a.b.c', 'c']) {
    const kept = minimalPatterns(['a.b', 'a.*', 'a.b.*', 'c']);
    expect(patternsMatching(name).filter((pattern) => kept.includes(pattern))).toHaveLength(1);
  }
});
