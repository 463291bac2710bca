import { describe, expect, it } from 'vitest';
import { RequestPacer } from './request-pacer.js';

describe('the pace of a connection', () => {
  it('is never more than the limit in any window, and no wait is taken that is longer than the caller has', () => {
    let nowMs = 0;
    const pacer = new RequestPacer({ requests: 2, perMs: 1000 }, () => nowMs);
    expect([pacer.takeTurn(0), pacer.takeTurn(0)].map(({ waitMs }) => waitMs)).toEqual([0, 0]);
    nowMs = 400;
    expect(pacer.takeTurn(500)).toEqual({ waitMs: 600, taken: false });
    expect(pacer.takeTurn(600)).toEqual({ waitMs: 600, taken: true });
    expect(pacer.takeTurn(600)).toEqual({ waitMs: 600, taken: true });
    expect(pacer.takeTurn(5000)).toEqual({ waitMs: 1600, taken: true });
    nowMs = 10_000;
    expect(pacer.takeTurn(0).taken).toBe(true);
  });

  it('rests as long as the provider asked, and the longer of two rests counts', () => {
    let nowMs = 0;
    const pacer = new RequestPacer(null, () => nowMs);
    pacer.rest(2000);
    pacer.rest(500);
    expect(pacer.takeTurn(1000)).toEqual({ waitMs: 2000, taken: false });
    nowMs = 2000;
    expect(pacer.takeTurn(0)).toEqual({ waitMs: 0, taken: true });
  });
});
