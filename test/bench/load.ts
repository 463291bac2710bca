import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';

/** About a kilobyte, as an order of a shop might be. */
const NOTE = 'The quick brown fox jumps over the lazy dog 0123456789. '.repeat(14);

export function payload(n: number): string {
  return (
    `{"bench_seq":${n},"bench_ts":${performance.now()},"order":{"id":"ord_${n}","currency":"EUR","amount":12999,` +
    `"customer":{"id":"cus_00042","email":"jane.doe@example.com"},"lines":[{"sku":"A-1001","qty":2}]},"note":"${NOTE}"}`
  );
}

export interface Load {
  origin: string;
  path: string;
  headers: Record<string, string>;
  /** Body of the n-th request. */
  body(n: number): string;
  requests: number;
  connections: number;
  /** Requests a second on an even schedule; absent: as fast as they are answered. */
  perSecond?: number;
}

export interface LoadResult {
  seconds: number;
  /** Sorted. */
  latenciesMs: number[];
}

/** Posts everything and waits for the answers. @throws when one is not 2xx: a figure of refused requests means nothing */
export async function post(load: Load): Promise<LoadResult> {
  const pool = new Pool(load.origin, { connections: load.connections, pipelining: 1 });
  const headers = { 'content-type': 'application/json', ...load.headers };
  const latenciesMs: number[] = [];
  const startedMs = performance.now();
  let next = 0;
  const sender = async () => {
    for (let n = next++; n < load.requests; n = next++) {
      if (load.perSecond) {
        const waitMs = startedMs + (n * 1000) / load.perSecond - performance.now();
        if (waitMs > 0) await delay(waitMs);
      }
      const sentMs = performance.now();
      const answer = await pool.request({ path: load.path, method: 'POST', headers, body: load.body(n) });
      const text = await answer.body.text();
      if (answer.statusCode >= 300)
        throw new Error(`${load.path} answered ${answer.statusCode}: ${text.slice(0, 300)}`);
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  try {
    await Promise.all(Array.from({ length: load.connections }, sender));
  } finally {
    await pool.destroy();
  }
  return { seconds: (performance.now() - startedMs) / 1000, latenciesMs: latenciesMs.sort((a, b) => a - b) };
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}
