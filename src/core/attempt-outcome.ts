import { networkError } from './network-error-words.js';
import { retryAfterMs } from './retry-after.js';
import { nextAttemptAt, type RetrySchedule } from './retry-schedule.js';

/** What came of one HTTP request. */
export type SendResult =
  | { kind: 'response'; status: number; headers: Record<string, string | string[] | undefined>; body: string }
  | { kind: 'timeout'; phase: 'connect' | 'headers' | 'body'; afterMs: number }
  | { kind: 'unreachable'; code: string; message: string }
  | { kind: 'blocked'; message: string };

/** What happens to the delivery next. */
export type DeliveryOutcome =
  | { kind: 'delivered' }
  | { kind: 'retry'; at: Date; error: AttemptError }
  /** Kept, and none of its attempts used up: the receiver is switched off for now. */
  | { kind: 'held'; error: AttemptError }
  | { kind: 'givenUp'; error: AttemptError };

/** What the attempt says about the endpoint, apart from this delivery. */
export type EndpointVerdict =
  | { kind: 'well' }
  | { kind: 'failing'; reason: string }
  /** It answered, and the answer was about this delivery only. */
  | { kind: 'unchanged' }
  /** It asked for a rest. */
  | { kind: 'pause'; until: Date; reason: string }
  | { kind: 'hold'; reason: string }
  | { kind: 'disable'; reason: string };

export interface Judgement {
  delivery: DeliveryOutcome;
  endpoint: EndpointVerdict;
}

/** Why an attempt failed: a stable code, and a sentence for the person who looks. */
export interface AttemptError {
  code: string;
  message: string;
}

export interface JudgedAttempt {
  url: URL;
  schedule: RetrySchedule;
  /** This one included. */
  attemptsMade: number;
  now: Date;
  /** 0 to 1. */
  random: number;
}

/** After 429 without Retry-After the endpoint is left alone for so long. */
const DEFAULT_REST_MS = 5_000;
const ASK_FOR_REST = new Set([429, 502, 503, 504]);

/**
 * The whole table of api.md, "Outbound request". Success is 2xx and nothing else; redirects are answers, never followed
 * (product.md, decision 5). The response header `webhook-delivery: disable | abort` lets a receiver decide for itself.
 */
export function judge(result: SendResult, attempt: JudgedAttempt): Judgement {
  const error = attemptError(result);
  const wish = result.kind === 'response' ? headerOf(result, 'webhook-delivery')?.trim().toLowerCase() : undefined;
  if (wish === 'disable') {
    const reason = 'The endpoint answered "webhook-delivery: disable".';
    const delivery: DeliveryOutcome = error ? { kind: 'givenUp', error } : { kind: 'delivered' };
    return { delivery, endpoint: { kind: 'disable', reason } };
  }
  if (!error) return { delivery: { kind: 'delivered' }, endpoint: { kind: 'well' } };
  if (wish === 'abort' || wish === 'abort-message') {
    const aborted = {
      ...error,
      message: `${error.message} It asked not to be sent this again ("webhook-delivery: abort").`,
    };
    return { delivery: { kind: 'givenUp', error: aborted }, endpoint: { kind: 'unchanged' } };
  }
  if (result.kind === 'response') return judgeResponse(result, error, attempt);
  // Our own proxy failing says nothing about the endpoint behind it.
  const ours = result.kind === 'unreachable' && result.code === 'PROXY_FAILED';
  const endpoint: EndpointVerdict = ours ? { kind: 'unchanged' } : { kind: 'failing', reason: error.message };
  return { delivery: bySchedule(error, attempt), endpoint };
}

function judgeResponse(
  result: SendResult & { kind: 'response' },
  error: AttemptError,
  attempt: JudgedAttempt,
): Judgement {
  const { status } = result;
  const inactive = workflowInactive(status, result.body, attempt.url);
  if (inactive) {
    return {
      delivery: { kind: 'held', error: { code: 'workflow_inactive', message: inactive } },
      endpoint: { kind: 'hold', reason: inactive },
    };
  }
  if (status === 410) {
    return {
      delivery: { kind: 'givenUp', error },
      endpoint: { kind: 'disable', reason: 'The endpoint answered 410: it is gone.' },
    };
  }
  // The same bytes would be too large the next time too.
  if (status === 413) return { delivery: { kind: 'givenUp', error }, endpoint: { kind: 'unchanged' } };
  if (!ASK_FOR_REST.has(status))
    return { delivery: bySchedule(error, attempt), endpoint: { kind: 'failing', reason: error.message } };
  const restMs =
    retryAfterMs(headerOf(result, 'retry-after'), attempt.now) ?? (status === 429 ? DEFAULT_REST_MS : null);
  if (restMs === null)
    return { delivery: bySchedule(error, attempt), endpoint: { kind: 'failing', reason: error.message } };
  const until = new Date(attempt.now.getTime() + restMs);
  const delivery = bySchedule(error, attempt);
  // Never before the time it asked for; later, where the schedule says later.
  if (delivery.kind === 'retry' && delivery.at < until) delivery.at = until;
  return {
    delivery,
    endpoint: {
      kind: 'pause',
      until,
      reason: `The endpoint answered ${status} and is left alone for ${Math.ceil(restMs / 1000)} s.`,
    },
  };
}

function bySchedule(error: AttemptError, { schedule, attemptsMade, now, random }: JudgedAttempt): DeliveryOutcome {
  const at = nextAttemptAt(schedule, attemptsMade, now, random);
  return at ? { kind: 'retry', at, error } : { kind: 'givenUp', error };
}

// n8n: 404 {"message": "The requested webhook \"POST x\" is not registered."}. Activepieces serves flows at
// /api/v1/webhooks/<21 characters> and answers 404 while the flow is disabled.
const N8N_INACTIVE = /webhook[^"]*(\\"[^"]*)*is not registered/i;
const ACTIVEPIECES_PATH = /\/api\/v1\/webhooks\/[A-Za-z0-9_-]{21}(\/(sync|test|draft))*\/?$/;

/** Why the workflow behind the URL seems to be switched off, in words, or null. */
function workflowInactive(status: number, body: string, url: URL): string | null {
  if (status !== 404) return null;
  if (N8N_INACTIVE.test(body))
    return 'n8n answered that the webhook is not registered: the workflow is inactive. Activate it there; its events are kept.';
  if (ACTIVEPIECES_PATH.test(url.pathname))
    return 'Activepieces answered 404: the flow is disabled. Enable it there; its events are kept.';
  return null;
}

function headerOf(result: SendResult & { kind: 'response' }, name: string): string | undefined {
  const value = result.headers[name];
  return Array.isArray(value) ? value[0] : value;
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
  if (status === 410) return { code: 'http_410', message: 'The endpoint answered 410: it is gone for good.' };
  if (status === 413)
    return {
      code: 'http_413',
      message: 'The endpoint answered 413: the body is too large for it. Send less with the fields setting.',
    };
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
