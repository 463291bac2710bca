import { networkError } from './network-error-words.js';
import { nextAttemptAt, type RetrySchedule } from './retry-schedule.js';

/** What came of one HTTP request. */
export type SendResult =
  | { kind: 'response'; status: number; headers: Record<string, string | string[] | undefined>; body: string }
  | { kind: 'timeout'; phase: 'connect' | 'headers' | 'body'; afterMs: number }
  | { kind: 'unreachable'; code: string; message: string }
  | { kind: 'blocked'; message: string };

/** What happens to the delivery next. */
export type Outcome =
  | { kind: 'delivered' }
  | { kind: 'retry'; at: Date; error: AttemptError }
  | { kind: 'givenUp'; error: AttemptError };

/** Why an attempt failed: a stable code, and a sentence for the person who looks. */
export interface AttemptError {
  code: string;
  message: string;
}

/** Success is 2xx and nothing else; redirects are answers, never followed (product.md, decision 5). */
export function judge(
  result: SendResult,
  schedule: RetrySchedule,
  attemptsMade: number,
  now: Date,
  random: number,
): Outcome {
  const error = attemptError(result);
  if (!error) return { kind: 'delivered' };
  const at = nextAttemptAt(schedule, attemptsMade, now, random);
  return at ? { kind: 'retry', at, error } : { kind: 'givenUp', error };
}

/** The failure in plain words, or null for a 2xx answer. */
export function attemptError(result: SendResult): AttemptError | null {
  switch (result.kind) {
    case 'response':
      return responseError(result.status);
    case 'timeout':
      return { code: `timeout_${result.phase}`, message: TIMEOUT_WORDS[result.phase](result.afterMs / 1000) };
    case 'blocked':
      return { code: 'blocked_address', message: result.message };
    case 'unreachable':
      return networkError(result.code, result.message);
  }
}

function responseError(status: number): AttemptError | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) {
    return {
      code: `http_${status}`,
      message: `The endpoint answered ${status}, a redirect; redirects are never followed. Change the URL to the final address.`,
    };
  }
  return { code: `http_${status}`, message: `The endpoint answered ${status} instead of a 2xx.` };
}

const TIMEOUT_WORDS = {
  connect: (s: number) => `No connection could be made within ${s} s.`,
  headers: (s: number) => `The endpoint did not answer within ${s} s.`,
  body: (s: number) => `The endpoint began to answer but did not finish within ${s} s.`,
};
