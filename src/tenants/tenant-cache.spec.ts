import { beforeEach, describe, expect, it } from 'vitest';
import { Clock } from '../core/clock.js';
import { TenantCache } from './tenant-cache.js';
import type { ChangeListener } from './tenant-changes.js';

const START = Date.parse('2026-03-01T12:00:00Z');
let nowMs: number;
let connected: boolean;
let change: ChangeListener;
let reads: number;
let cache: TenantCache<string>;

beforeEach(() => {
  nowMs = START;
  connected = true;
  reads = 0;
  const clock = new (class extends Clock {
    override now = () => new Date(nowMs);
  })();
  const changes = {
    get connected() {
      return connected;
    },
    onChange: (listener: ChangeListener) => {
      change = listener;
    },
  };
  cache = new TenantCache(clock, changes, { maxEntries: 3, ttlMs: 5_000 });
});

const load = (key: string, value = key, tenantId = 'tenant') =>
  cache.load(key, async () => {
    reads++;
    return { tenantId, value };
  });

/** A read that ends when the test says so. */
function slowLoad(key: string) {
  let finish = (_value: string) => {};
  const read = new Promise<{ tenantId: string; value: string }>((resolve) => {
    finish = (value) => resolve({ tenantId: 'tenant', value });
  });
  const loaded = cache.load(key, () => read);
  return { loaded, finish: (value: string) => finish(value) };
}

describe('a tenant cache', () => {
  it('remembers what was found until its time is over', async () => {
    await load('a');
    nowMs = START + 4_999;
    expect(cache.peek('a')).toBe('a');
    nowMs = START + 5_000;
    expect(cache.peek('a')).toBeUndefined();
  });

  it('does not remember what was not found', async () => {
    expect(await cache.load('a', async () => null)).toBeNull();
    expect(cache.peek('a')).toBeUndefined();
    expect(await load('a')).toBe('a');
  });

  it('reads once for callers that come together', async () => {
    expect(await Promise.all([load('a'), load('a'), load('a')])).toEqual(['a', 'a', 'a']);
    expect(reads).toBe(1);
  });

  it('lets a read that fails fail for all who wait for it, and reads again for the next', async () => {
    const failing = () => cache.load('a', () => Promise.reject(new Error('no database')));
    const outcomes = await Promise.allSettled([failing(), failing()]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    expect(await load('a')).toBe('a');
  });

  it('lets the longest unused entry go when it is full', async () => {
    for (const key of ['a', 'b', 'c']) await load(key);
    cache.peek('a');
    await load('d');
    expect(['a', 'b', 'c', 'd'].map((key) => cache.peek(key))).toEqual(['a', undefined, 'c', 'd']);
  });

  it('forgets a tenant that changed, and no other', async () => {
    await load('a', 'a', 'one');
    await load('b', 'b', 'two');
    change('one');
    expect(cache.peek('a')).toBeUndefined();
    expect(cache.peek('b')).toBe('b');
  });

  it('forgets everything when changes may have been missed, and remembers nothing while they cannot be heard', async () => {
    await load('a');
    change(null);
    expect(cache.peek('a')).toBeUndefined();
    await load('a');
    connected = false;
    expect(cache.peek('a')).toBeUndefined();
    expect(await load('b')).toBe('b');
    connected = true;
    expect(cache.peek('b')).toBeUndefined();
  });

  it('does not remember what was read before a change, nor give it to who comes after', async () => {
    const before = slowLoad('a');
    change('tenant');
    const after = slowLoad('a');
    before.finish('old');
    expect(await before.loaded).toBe('old');
    expect(cache.peek('a')).toBeUndefined();
    after.finish('new');
    expect(await after.loaded).toBe('new');
    expect(cache.peek('a')).toBe('new');
  });
});
