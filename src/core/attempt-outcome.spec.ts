import { describe, expect, it } from 'vitest';
import { judge, type SendResult } from './attempt-outcome.js';

const now = new Date('2026-03-01T12:00:00Z');
const attempt = {
  url: new URL('https://example.com/hook'),
  schedule: [0, 60, 300],
  attemptsMade: 1,
  now,
  random: 0,
};
const answer = (status: number, headers: Record<string, string> = {}, body = ''): SendResult => ({
  kind: 'response',
  status,
  headers,
  body,
});
const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1000);

describe('the answer decides', () => {
  it.each([200, 201, 204, 299])('%i is success', (status) => {
    expect(judge(answer(status), attempt)).toEqual({ delivery: { kind: 'delivered' }, endpoint: { kind: 'well' } });
  });

  it.each([301, 302, 304, 400, 401, 404, 500, 501])(
    '%i is retried by the schedule and counts as a failure',
    (status) => {
      expect(judge(answer(status), attempt)).toMatchObject({
        delivery: { kind: 'retry', at: inSeconds(60) },
        endpoint: { kind: 'failing' },
      });
      expect(judge(answer(status), { ...attempt, attemptsMade: 3 })).toMatchObject({ delivery: { kind: 'givenUp' } });
    },
  );

  it('410 gives up and disables', () => {
    expect(judge(answer(410), attempt)).toMatchObject({ delivery: { kind: 'givenUp' }, endpoint: { kind: 'disable' } });
  });

  it('413 gives up and says nothing about the endpoint', () => {
    expect(judge(answer(413), attempt)).toMatchObject({
      delivery: { kind: 'givenUp' },
      endpoint: { kind: 'unchanged' },
    });
  });

  it.each([429, 502, 503, 504])('%i with Retry-After rests, and never retries before', (status) => {
    const rest = { kind: 'pause', until: inSeconds(120) };
    expect(judge(answer(status, { 'retry-after': '120' }), attempt)).toMatchObject({
      delivery: { kind: 'retry', at: inSeconds(120) },
      endpoint: rest,
    });
    const short = judge(answer(status, { 'retry-after': '5' }), attempt);
    expect(short).toMatchObject({ delivery: { at: inSeconds(60) }, endpoint: { kind: 'pause', until: inSeconds(5) } });
  });

  it('429 without Retry-After rests a little; 503 without it is a failure like others', () => {
    expect(judge(answer(429), attempt).endpoint).toMatchObject({ kind: 'pause', until: inSeconds(5) });
    expect(judge(answer(503), attempt).endpoint).toMatchObject({ kind: 'failing' });
  });

  it('n8n’s and Activepieces’ answers for a workflow that is switched off hold the delivery', () => {
    const n8n = answer(404, {}, '{"code":404,"message":"The requested webhook \\"POST x\\" is not registered."}');
    expect(judge(n8n, attempt)).toMatchObject({
      delivery: { kind: 'held', error: { code: 'workflow_inactive' } },
      endpoint: { kind: 'hold' },
    });
    const url = new URL('https://ap.example.com/api/v1/webhooks/AbCdEfGhIjKlMnOpQrStU');
    expect(judge(answer(404), { ...attempt, url }).endpoint.kind).toBe('hold');
    expect(judge(answer(404, {}, 'user is not registered'), attempt).endpoint.kind).toBe('failing');
    expect(judge(answer(500, {}, 'webhook x is not registered'), attempt).endpoint.kind).toBe('failing');
  });

  it('webhook-delivery lets the receiver decide', () => {
    expect(judge(answer(200, { 'webhook-delivery': 'disable' }), attempt)).toMatchObject({
      delivery: { kind: 'delivered' },
      endpoint: { kind: 'disable' },
    });
    expect(judge(answer(500, { 'webhook-delivery': ' Disable ' }), attempt)).toMatchObject({
      delivery: { kind: 'givenUp' },
      endpoint: { kind: 'disable' },
    });
    expect(judge(answer(500, { 'webhook-delivery': 'abort' }), attempt)).toMatchObject({
      delivery: { kind: 'givenUp' },
      endpoint: { kind: 'unchanged' },
    });
    expect(judge(answer(200, { 'webhook-delivery': 'abort' }), attempt).delivery.kind).toBe('delivered');
  });
});

it('a failure of our own proxy is retried and not held against the endpoint', () => {
  const result: SendResult = { kind: 'unreachable', code: 'PROXY_FAILED', message: 'x' };
  expect(judge(result, attempt)).toMatchObject({ delivery: { kind: 'retry' }, endpoint: { kind: 'unchanged' } });
});

it('every failure has a code and a sentence', () => {
  const results: SendResult[] = [
    answer(500),
    { kind: 'timeout', phase: 'body', afterMs: 1500 },
    { kind: 'blocked', message: 'That is not allowed.' },
    { kind: 'unreachable', code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND x' },
    { kind: 'unreachable', code: 'SOMETHING_NEW', message: 'odd' },
  ];
  for (const result of results) {
    const { delivery } = judge(result, attempt);
    expect(delivery).toMatchObject({
      error: { code: expect.stringMatching(/^[a-z0-9_]+$/), message: expect.stringMatching(/\.$/) },
    });
  }
});
