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
