import { describe, expect, it } from 'vitest';
import { contentHash } from './content-hash.js';

describe('contentHash', () => {
  it('is the same whatever the order, and whether nothing is absent, null or empty', () => {
    const hash = contentHash({ email: 'ana@example.com', name: { first: 'Ana', last: 'Lima' } });
    expect(contentHash({ name: { last: 'Lima', first: 'Ana' }, email: 'ana@example.com', phone: null })).toBe(hash);
    expect(
      contentHash({ email: 'ana@example.com', phone: '', name: { first: 'Ana', last: 'Lima' }, city: undefined }),
    ).toBe(hash);
  });

  it.each([
    [{ email: 'ana@example.com' }],
    [{ email: 'ana@example.com', name: { first: 'Ana', last: 'Limas' } }],
    [{ name: 'ana@example.com' }],
    [{ list: ['b', 'a'] }],
    [{ list: ['a', 'b'] }],
    [{ at: new Date(0) }],
    [{ at: new Date(1) }],
  ])('%j has one of its own', (content) => {
    const others = [{ list: ['ab'] }, { email: 'ana@example.com', name: { first: 'Ana', last: 'Lima' } }];
    for (const other of others) expect(contentHash(content)).not.toBe(contentHash(other));
    expect(contentHash({ list: ['b', 'a'] })).not.toBe(contentHash({ list: ['a', 'b'] }));
    expect(contentHash({ at: new Date(0) })).not.toBe(contentHash({ at: new Date(1) }));
  });
});
