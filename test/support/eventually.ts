import { setTimeout as delay } from 'node:timers/promises';

/**
 * Repeats an assertion until it passes and gives its result; after `limitMs` it fails as the assertion last failed.
 * The limit only bounds a failing test: a passing one waits for the fact and no longer.
 */
export async function eventually<T>(assertion: () => T | Promise<T>, limitMs = 15_000): Promise<T> {
  const giveUpAt = performance.now() + limitMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await delay(pauseMs);
    }
  }
}
