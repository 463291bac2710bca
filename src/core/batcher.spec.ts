import { describe, expect, it } from 'vitest';
import { Batcher } from './batcher.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('group commit', () => {
  it('runs calls of one turn together, those that come meanwhile next, and answers each with its own result', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(
      async (items) => {
        batches.push(items);
        await pause(10);
        return items.map((n) => n * 10);
      },
      { maxItems: 3, maxRunning: 1 },
    );
    const first = Promise.all([1, 2].map((n) => batcher.add(n)));
    await pause(5);
    const second = Promise.all([3, 4, 5, 6].map((n) => batcher.add(n)));
    expect(await first).toEqual([10, 20]);
    expect(await second).toEqual([30, 40, 50, 60]);
    expect(batches).toEqual([[1, 2], [3, 4, 5], [6]]);
    expect(batcher.busy).toBe(false);
  });

  it('keeps to the number of batches at once', async () => {
    let running = 0;
    let most = 0;
    const batcher = new Batcher<number, number>(
      async (items) => {
        most = Math.max(most, ++running);
        await pause(5);
        running--;
        return items;
      },
      { maxItems: 1, maxRunning: 2 },
    );
    await Promise.all(Array.from({ length: 10 }, (_, n) => batcher.add(n)));
    expect(most).toBe(2);
  });

  it('lets a bad item fail alone where the failure may be an item’s, and all fail where it is not', async () => {
    const run = async (items: number[]) => {
      if (items.includes(13)) throw new Error('bad item');
      if (items.includes(99)) throw new Error('no database');
      return items;
    };
    const isItemsFault = (error: unknown) => (error as Error).message === 'bad item';
    const batcher = new Batcher(run, { maxItems: 10, maxRunning: 1, isItemsFault });
    const settled = await Promise.allSettled([1, 13, 2].map((n) => batcher.add(n)));
    expect(settled.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const all = await Promise.allSettled([1, 99].map((n) => batcher.add(n)));
    expect(all.map((one) => one.status)).toEqual(['rejected', 'rejected']);
    expect(await batcher.add(7)).toBe(7);
  });
});
