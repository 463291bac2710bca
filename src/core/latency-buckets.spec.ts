import { describe, expect, it } from 'vitest';
import { BUCKET_BOUNDS_MS, bucketOf, percentile } from './latency-buckets.js';

const counted = (...durationsMs: number[]) => {
  const counts: number[] = new Array(BUCKET_BOUNDS_MS.length + 1).fill(0);
  for (const durationMs of durationsMs) counts[bucketOf(durationMs)]!++;
  return counts;
};

describe('bucketOf', () => {
  it('holds a bound in its own bucket and anything above it in the next', () => {
    for (const [bucket, bound] of BUCKET_BOUNDS_MS.entries()) {
      expect(bucketOf(bound)).toBe(bucket);
      expect(bucketOf(bound + 0.001)).toBe(bucket + 1);
    }
  });

  it('takes nothing and more than a minute', () => {
    expect([bucketOf(0), bucketOf(3_600_000)]).toEqual([0, BUCKET_BOUNDS_MS.length]);
  });

  it('has bounds that rise from 1 ms to 60 s, none more than two and a half times the one before', () => {
    expect([BUCKET_BOUNDS_MS[0], BUCKET_BOUNDS_MS.at(-1)]).toEqual([1, 60_000]);
    BUCKET_BOUNDS_MS.slice(1).forEach((bound, i) => {
      expect(bound / BUCKET_BOUNDS_MS[i]!).toBeGreaterThan(1);
      expect(bound / BUCKET_BOUNDS_MS[i]!).toBeLessThanOrEqual(2.5);
    });
  });
});

describe('percentile', () => {
  it('is null when nothing was counted', () => {
    expect(percentile([], 0.5)).toBeNull();
    expect(percentile(counted(), 0.99)).toBeNull();
  });

  it('interpolates inside the bucket it falls into', () => {
    // 600 < 700 ≤ 1000: the middle of four lies in the middle of the bucket.
    expect(percentile(counted(700, 700, 700, 700), 0.5)).toBe(800);
    expect(percentile(counted(700, 700, 700, 700), 1)).toBe(1000);
  });

  it('counts its way over the buckets, empty ones between', () => {
    const counts = counted(...new Array(90).fill(10), ...new Array(10).fill(2000));
    expect(percentile(counts, 0.5)).toBeLessThanOrEqual(12);
    expect(percentile(counts, 0.9)).toBe(12);
    expect(percentile(counts, 0.95)).toBe(2000);
    expect(percentile(counts, 0.99)).toBe(2400);
  });

  it('never falls as p rises', () => {
    const counts = counted(0, 1, 4, 44, 45, 46, 400, 9_000, 61_000, 90_000);
    const values = Array.from({ length: 101 }, (_, i) => percentile(counts, i / 100)!);
    expect(values).toEqual([...values].sort((a, b) => a - b));
  });

  it('says the last bound of what is longer', () => {
    expect(percentile(counted(90_000), 0.5)).toBe(60_000);
    expect(percentile(counted(1, 90_000), 0.99)).toBe(60_000);
  });
});
