import { describe, expect, it } from 'vitest';
import { judgeAnswer, reasonIn } from './provider-answer.js';

const call = { title: 'Chatwoot', purpose: 'send the message', now: new Date('2026-03-01T12:00:00Z') };
const answer = (status: number, body: unknown = {}, headers = {}) =>
  ({ kind: 'response', status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) }) as const;

describe('what a provider says about a refusal', () => {
  it.each([
    [{ statusCode: 403, error: 'ForbiddenException', messages: ['no permission'] }, 'no permission'],
    [{ message: 'Email has already been taken', attributes: ['email'] }, 'Email has already been taken'],
    [{ error: 'Invalid Access Token' }, 'Invalid Access Token'],
    [{ status: 'error', error: { code: 'BadRequestException', message: 'start is wrong' } }, 'start is wrong'],
    [
      { title: 'Invalid Argument', message: 'bad', details: [{ parameter: 'url', message: 'is not https' }] },
      'bad: is not https',
    ],
    [{ code: 21211, message: "Invalid 'To'", status: 400 }, "Invalid 'To'"],
    [
      { status: 400, error: 'Bad Request', response: { message: ['no such number', 'again'] } },
      'no such number; again',
    ],
    [{ error: { code: 403, message: 'insufficient scopes', errors: [{ message: 'x' }] } }, 'insufficient scopes'],
    [{ errors: [{ message: 'first' }, { message: 'second' }] }, 'first; second'],
    ['a text', null],
    [null, null],
  ])('is found in %j', (body, said) => {
    expect(reasonIn(body)).toBe(said);
  });
});

describe('whether a call is made again', () => {
  const again = (status: number, repeatable: boolean, headers = {}) => {
    const judged = judgeAnswer(answer(status, {}, headers), { ...call, repeatable });
    return judged.kind === 'ok' ? 'ok' : judged.retry;
  };

  it('depends on whether it may have been done', () => {
    expect(again(500, true)).toBe('soon');
    expect(again(500, false)).toBe('never');
    expect(again(429, false)).toBe('soon');
    expect(again(503, false)).toBe('never');
    expect(again(503, false, { 'retry-after': '3' })).toEqual({ afterMs: 3000 });
    const refused = { kind: 'unreachable', code: 'ECONNREFUSED', message: '', sent: false } as const;
    expect(judgeAnswer(refused, { ...call, repeatable: false })).toMatchObject({ retry: 'soon' });
    expect(judgeAnswer({ ...refused, sent: true }, { ...call, repeatable: false })).toMatchObject({ retry: 'never' });
  });

  it('waits for the time the provider names, in seconds, as a date or as a second of the epoch', () => {
    expect(again(429, true, { 'retry-after': 'Sun, 01 Mar 2026 12:00:05 GMT' })).toEqual({ afterMs: 5000 });
    expect(again(429, true, { 'x-ratelimit-reset': '7' })).toEqual({ afterMs: 7000 });
    const at = String(call.now.getTime() / 1000 + 9);
    expect(again(429, true, { 'x-ratelimit-reset': at })).toEqual({ afterMs: 9000 });
  });

  it.each([400, 401, 403, 404, 409, 422])('is not after %i: the same would be refused again', (status) => {
    expect(again(status, true)).toBe('never');
  });
});
