import { describe, expect, it } from 'vitest';
import type { SendResult } from '../core/attempt-outcome.js';
import { assess, CHECKS, type CheckName, gradeOf } from './conformance-grader.js';

const answered = (status: number): SendResult => ({ kind: 'response', status, headers: {}, body: '' });
const NAMES = Object.keys(CHECKS) as CheckName[];
const SOUND = Object.fromEntries(NAMES.map((name) => [name, CHECKS[name] === 'accept' ? 204 : 401]));

/** The grade of an endpoint that is sound but for some answers. */
const grade = (answers: Partial<Record<CheckName, number>>) =>
  gradeOf(NAMES.map((name) => assess(name, answered({ ...SOUND, ...answers }[name] as number)))).grade;

describe('the grade', () => {
  it.each<[string, Partial<Record<CheckName, number>>]>([
    ['A', {}],
    ['A', { tampered_body: 400, missing_headers: 422, wrong_signature: 403 }],
    ['B', { stale_timestamp: 200 }],
    ['B', { repeated: 409 }],
    ['B', { wrong_signature: 500 }],
    ['C', { stale_timestamp: 200, repeated: 409 }],
    ['C', { tampered_body: 500, wrong_signature: 500, missing_headers: 500 }],
    ['D', { tampered_body: 200 }],
    ['D', { missing_headers: 200, stale_timestamp: 200 }],
    ['F', { tampered_body: 200, wrong_signature: 200 }],
    ['F', { tampered_body: 200, wrong_signature: 200, missing_headers: 200, stale_timestamp: 200 }],
    ['F', { good: 401 }],
    ['F', { good: 302 }],
  ])('is %s for %j', (expected, answers) => expect(grade(answers)).toBe(expected));

  it('is F when there is no answer at all, and nothing else was sent', () => {
    const timeout: SendResult = { kind: 'timeout', phase: 'headers', afterMs: 1000 };
    const results = NAMES.map((name) => assess(name, name === 'good' ? timeout : null));
    expect(gradeOf(results).grade).toBe('F');
    expect(results.map((result) => result.outcome)).toEqual(['no_answer', ...new Array(5).fill('not_run')]);
  });
});

describe('an answer', () => {
  it.each([
    [200, 'accepted'],
    [299, 'accepted'],
    [302, 'unclear'],
    [400, 'refused'],
    [404, 'refused'],
    [429, 'unclear'],
    [500, 'unclear'],
  ])('of %i means %s', (status, outcome) => expect(assess('tampered_body', answered(status)).outcome).toBe(outcome));

  it('is explained in words of its own for every check, passed or not', () => {
    const words = NAMES.flatMap((name) =>
      [200, 401, 500, 302, 429].map((status) => assess(name, answered(status)).message),
    );
    for (const message of words) expect(message).toMatch(/^[A-Z].{30,}\.$/);
    const said = NAMES.flatMap((name) => [200, 401].map((status) => assess(name, answered(status)).message));
    expect(new Set(said).size).toBe(2 * NAMES.length);
  });
});
