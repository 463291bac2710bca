import { attemptError, type SendResult } from '../core/attempt-outcome.js';

export const CHECKS = {
  good: 'accept',
  repeated: 'accept',
  tampered_body: 'refuse',
  wrong_signature: 'refuse',
  missing_headers: 'refuse',
  stale_timestamp: 'refuse',
} as const;

export type CheckName = keyof typeof CHECKS;
export type CheckOutcome = 'accepted' | 'refused' | 'unclear' | 'no_answer' | 'not_run';
export type Grade = 'A' | 'B' | 'C' | 'D' | 'F';

export interface CheckResult {
  name: CheckName;
  expected: 'accept' | 'refuse';
  outcome: CheckOutcome;
  passed: boolean;
  /** What it means, and how to mend it. */
  message: string;
}

/** What was made of a check's request; null: it was not sent. */
export function assess(name: CheckName, result: SendResult | null): CheckResult {
  const expected = CHECKS[name];
  const outcome = result ? outcomeOf(result) : 'not_run';
  const passed = outcome === (expected === 'accept' ? 'accepted' : 'refused');
  return { name, expected, outcome, passed, message: wordsFor(name, outcome, result) };
}

/**
 * A: everything as it should be. B: one thing to mend, C: more than one, none of them lets a stranger in.
 * D: one kind of forgery is accepted. F: two or more are, or what is good is not accepted.
 */
export function gradeOf(results: readonly CheckResult[]): { grade: Grade; summary: string } {
  const failed = results.filter((result) => !result.passed);
  const forgeries = failed.filter((result) => isForgery(result.name) && result.outcome === 'accepted');
  if (failed.some((result) => result.name === 'good')) return { grade: 'F', summary: SUMMARIES.notAccepted };
  if (forgeries.length > 1) return { grade: 'F', summary: SUMMARIES.F };
  if (forgeries.length === 1) return { grade: 'D', summary: SUMMARIES.D };
  const grade = failed.length === 0 ? 'A' : failed.length === 1 ? 'B' : 'C';
  return { grade, summary: SUMMARIES[grade] };
}

const SUMMARIES = {
  A: 'The endpoint takes what is genuine and refuses what is not.',
  B: 'The endpoint lets no stranger in; one thing is to be mended.',
  C: 'The endpoint lets no stranger in; several things are to be mended.',
  D: 'The endpoint accepts one kind of forged request: mend that before you rely on what it receives.',
  F: 'The endpoint accepts forged requests: whoever knows its URL can send it anything.',
  notAccepted:
    'The endpoint does not accept a genuine request: deliveries to it fail. The other checks say something once it does.',
};

function isForgery(name: CheckName): boolean {
  return name === 'tampered_body' || name === 'wrong_signature' || name === 'missing_headers';
}

/** 429 is about how many requests there were, and 5xx about trouble inside: neither says whether this request was believed. */
function outcomeOf(result: SendResult): CheckOutcome {
  if (result.kind !== 'response') return 'no_answer';
  if (result.status >= 200 && result.status < 300) return 'accepted';
  return result.status >= 400 && result.status < 500 && result.status !== 429 ? 'refused' : 'unclear';
}

const PASSED: Record<CheckName, string> = {
  good: 'A rightly signed request is accepted.',
  repeated:
    'The same message a second time is accepted too, so its sender stops. Make sure that it is processed once: keep the webhook-ids you have seen.',
  tampered_body: 'A body that was changed on the way is refused.',
  wrong_signature: 'A request that was signed with another secret is refused.',
  missing_headers: 'A request without signature is refused.',
  stale_timestamp:
    'A genuine request that is ten minutes old is refused: recorded requests cannot be played back later.',
};

const FAILED: Record<CheckName, string> = {
  good: 'A rightly signed request is refused. Check that the secret is the one of this subscription, and that the signature is computed over the raw bytes of the body, before any JSON parsing.',
  repeated:
    'The same message a second time is refused, so it counts as failed and is sent again and again. Answer 2xx to a webhook-id you have processed already, without processing it again.',
  tampered_body:
    'A body that was changed on the way is accepted: the signature is not compared with the body that came. Compute it over the raw bytes received and answer 401 when it differs.',
  wrong_signature:
    'A request that was signed with another secret is accepted: the signature is not checked, or its result is not used. Compare in constant time and answer 401 when it differs.',
  missing_headers:
    'A request without any signature is accepted: anybody who knows the URL can send one. Answer 401 when webhook-signature (or X-Webhook-Signature) is absent.',
  stale_timestamp:
    'A genuine request that is ten minutes old is accepted, so a recorded one can be played back. Verify webhook-signature, which covers webhook-timestamp, and refuse times more than five minutes away.',
};

function wordsFor(name: CheckName, outcome: CheckOutcome, result: SendResult | null): string {
  switch (outcome) {
    case 'not_run':
      return 'Not sent: it says nothing as long as a genuine request is not accepted.';
    case 'no_answer':
      return `There was no answer. ${(result && attemptError(result)?.message) ?? ''} Answer every request, those you refuse too.`;
    case 'unclear':
      return unclearWords(name, result as SendResult & { kind: 'response' });
    default:
      return (outcome === 'accepted') === (CHECKS[name] === 'accept') ? PASSED[name] : FAILED[name];
  }
}

function unclearWords(name: CheckName, { status }: SendResult & { kind: 'response' }): string {
  const wanted = CHECKS[name] === 'accept' ? 'accept it with a 2xx' : 'refuse it with a 4xx such as 401';
  if (status < 400) return `It answered ${status}, a redirect, which is never followed: ${wanted}, at the URL itself.`;
  if (status === 429) return `It answered 429, too many requests: check again in a while. It should ${wanted}.`;
  return `It answered ${status}, as if something in it broke: ${wanted}, or the sender believes in an outage and tries again.`;
}
