/** Upper bounds in milliseconds of the buckets that durations are counted in, growing by about a half each time. */
export const BUCKET_BOUNDS_MS: readonly number[] = [
  1, 2, 3, 5, 8, 12, 20, 30, 45, 70, 100, 150, 250, 400, 600, 1_000, 1_500, 2_500, 4_000, 6_000, 10_000, 15_000, 30_000,
  60_000,
];

/** Index of the bucket a duration falls into; one past the last bound holds everything longer. */
export function bucketOf(durationMs: number): number {
  const index = BUCKET_BOUNDS_MS.findIndex((bound) => durationMs <= bound);
  return index === -1 ? BUCKET_BOUNDS_MS.length : index;
}

/**
 * The duration in whole milliseconds below which the share `p` (0 to 1) of what was counted lies, or null when nothing was.
 * Inside a bucket durations count as spread evenly; of what is longer than the last bound only that bound is known.
 * @param counts how many durations fell into each bucket; may end early
 */
export function percentile(counts: readonly number[], p: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = Math.min(Math.max(p, 0), 1) * total;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= wanted) {
      const upper = BUCKET_BOUNDS_MS[bucket];
      if (upper === undefined) break;
      const lower = BUCKET_BOUNDS_MS[bucket - 1] ?? 0;
      return Math.round(lower + ((upper - lower) * (wanted - below)) / count);
    }
    below += count;
  }
  return BUCKET_BOUNDS_MS.at(-1) as number;
}
