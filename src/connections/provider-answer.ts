import { networkError } from '../core/network-error-words.js';
import { retryAfterMs } from '../core/retry-after.js';
import type { ProviderAnswer } from './provider-agent.js';
import { ProviderError, type ProviderFailure } from './provider-error.js';

/** What a call is about, for judging its answer and for saying what came of it. */
export interface JudgedCall {
  /** The provider: `Chatwoot`. */
  title: string;
  /** `create a contact`: completes "Chatwoot did not …". */
  purpose: string;
  /** What the credentials need for it, in the provider's words: said when they lack it. */
  permission?: string;
  /** Doing it twice is the same as doing it once, so that it is tried again also when it may have been done. */
  repeatable: boolean;
  now: Date;
  /** A provider's own way to say what went wrong; null: as everybody says it. */
  failureIn?: (body: unknown, status: number) => ProviderFailure | null;
}

export type Judged =
  | { kind: 'ok'; body: unknown }
  /** `retry`: never, when the client thinks fit, or not before the provider's own time. */
  | { kind: 'failed'; error: ProviderError; retry: 'never' | 'soon' | { afterMs: number } };

type Response = ProviderAnswer & { kind: 'response' };

/** What an answer means. Success is 2xx with JSON or nothing; redirects are never followed. */
export function judgeAnswer(answer: ProviderAnswer, call: JudgedCall): Judged {
  switch (answer.kind) {
    case 'response':
      return judgeResponse(answer, call);
    case 'timeout':
      return failed(call, 'unavailable', `it did not answer within ${answer.afterMs / 1000} s.`, null, call.repeatable);
    case 'unreachable': {
      const why = inSentence(networkError(answer.code, answer.message).message);
      return failed(call, 'unavailable', why, null, call.repeatable || !answer.sent);
    }
    case 'blocked':
      return failed(call, 'blocked', inSentence(answer.message), null, false);
    case 'too_large':
      return failed(call, 'not_this_api', 'its answer is larger than any answer of this API.', null, false);
  }
}

function judgeResponse(answer: Response, call: JudgedCall): Judged {
  const { status } = answer;
  const body = parsed(answer.body);
  if (status >= 200 && status < 300) {
    if (body === undefined) return notThisApi(answer, call, 'with something that is not JSON');
    const failure = call.failureIn?.(body, status) ?? null;
    return failure ? refused(answer, call, body, failure) : { kind: 'ok', body };
  }
  if (status >= 300 && status < 400) return notThisApi(answer, call, 'with a redirect, which is not followed');
  if (status === 404 && body === undefined) return notThisApi(answer, call, 'with a page instead of JSON');
  return refused(answer, call, body, call.failureIn?.(body, status) ?? failureOf(status));
}

function refused(answer: Response, call: JudgedCall, body: unknown, failure: ProviderFailure): Judged {
  const { status } = answer;
  const said = reasonIn(body);
  const words = `${WORDS[failure](call)}${said ? ` It says: "${said}"` : ''} (${status})`;
  const restMs = restAskedFor(answer, call.now);
  if (failure !== 'rate_limited' && failure !== 'unavailable') return failed(call, failure, words, status, false);
  const turnedAway = failure === 'rate_limited' || (status === 503 && restMs !== null);
  return failed(call, failure, words, status, call.repeatable || turnedAway, restMs);
}

function failed(
  call: JudgedCall,
  failure: ProviderFailure,
  words: string,
  status: number | null,
  again: boolean,
  restMs: number | null = null,
): Judged {
  const error = new ProviderError(failure, `${call.title} did not ${call.purpose}: ${words}`, {
    status,
    retryAfterMs: restMs,
  });
  return { kind: 'failed', error, retry: again ? (restMs === null ? 'soon' : { afterMs: restMs }) : 'never' };
}

function notThisApi(answer: Response, call: JudgedCall, how: string): Judged {
  const words = `${answer.status} came ${how}. Is the base URL the one of this ${call.title}?`;
  return failed(call, 'not_this_api', words, answer.status, false);
}

const WORDS: Record<ProviderFailure, (call: JudgedCall) => string> = {
  unauthenticated: () => 'it does not take the credentials. Are they right, and not revoked or expired?',
  forbidden: ({ permission }) =>
    `the credentials lack a permission${permission ? `: ${permission}` : '. Give them what this needs'}.`,
  not_found: () => 'there is no such thing there, or the credentials may not see it.',
  conflict: () => 'it is there already.',
  invalid: () => 'it does not take what was sent.',
  rate_limited: () => 'too many requests were made.',
  unavailable: () => 'it failed itself.',
  not_this_api: () => 'it did not answer as this API does.',
  blocked: () => 'its address is not allowed.',
};

function failureOf(status: number): ProviderFailure {
  if (status === 408 || status >= 500) return 'unavailable';
  return STATUSES[status] ?? 'invalid';
}

const STATUSES: Record<number, ProviderFailure> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  410: 'not_found',
  429: 'rate_limited',
};

/** `Retry-After`, or the reset time of the usual rate limit headers: seconds to wait, or the second of the epoch. */
function restAskedFor({ headers }: Response, now: Date): number | null {
  const one = (name: string) => [headers[name]].flat()[0];
  const asked = retryAfterMs(one('retry-after'), now);
  if (asked !== null) return asked;
  const reset = Number(one('ratelimit-reset') ?? one('x-ratelimit-reset') ?? Number.NaN);
  if (!Number.isFinite(reset) || reset < 0) return null;
  const waitMs = reset > 1e9 ? reset * 1000 - now.getTime() : reset * 1000;
  return retryAfterMs(String(Math.max(0, Math.ceil(waitMs / 1000))), now);
}

const LONGEST_REASON = 300;

/**
 * What a provider says about its refusal. They spell it in few ways: `message` (a text or several), `error` (a text or
 * `{message}`), `errors`/`messages`/`details` (a list of either), and Evolution's `response.message`.
 */
export function reasonIn(body: unknown): string | null {
  const text = wordsOf(body, 0);
  return text === null ? null : text.replace(/\s+/g, ' ').trim().slice(0, LONGEST_REASON) || null;
}

function wordsOf(value: unknown, depth: number): string | null {
  if (typeof value === 'string') return depth === 0 ? null : value;
  if (depth > 4 || typeof value !== 'object' || value === null) return null;
  if (Array.isArray(value)) {
    const texts = value.map((one) => wordsOf(one, depth + 1)).filter((text) => text !== null);
    return texts.length > 0 ? texts.slice(0, 3).join('; ') : null;
  }
  const members = value as Record<string, unknown>;
  const ownWords = ['message', 'messages', 'response', 'error', 'errors', 'title', 'error_description'];
  const found = ownWords.map((name) => wordsOf(members[name], depth + 1)).find((text) => text !== null) ?? null;
  const details = wordsOf(members.details, depth + 1);
  return found !== null && details !== null && !found.includes(details) ? `${found}: ${details}` : (found ?? details);
}

/** Undefined when the text is not JSON; null when there is none. */
function parsed(text: string): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function inSentence(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
