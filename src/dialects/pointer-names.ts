import { AppError } from '../core/errors.js';

/**
 * Runs a native service for a dialect: where it refuses a field, the pointer is given the name the dialect has for it
 * (`/eventTypes/0` → `/events/0`).
 */
export async function withPointers<T>(names: Record<string, string>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof AppError) || !thrown.details.errors) throw thrown;
    const errors = thrown.details.errors.map(({ pointer, detail }) => {
      const [, field = '', ...rest] = pointer.split('/');
      return { pointer: ['', names[field] ?? field, ...rest].join('/'), detail };
    });
    throw new AppError(thrown.code, { ...thrown.details, errors });
  }
}
