import { describe, expect, it } from 'vitest';
import { e164, joinE164, splitE164 } from './phone-number.js';

describe('a telephone number', () => {
  it.each([
    ['+55 (11) 99999-0000', '+5511999990000'],
    ['0044 20 7946 0958', '+442079460958'],
    ['+1.415.523.8886', '+14155238886'],
  ])('%s is brought into E.164', (written, expected) => {
    expect(e164(written)).toBe(expected);
  });

  it.each([['11 99999-0000'], ['+0 11 99999'], ['+55 call me'], [''], [null], ['+12345678901234567']])(
    '%j names no country or is none, and is not guessed at',
    (written) => {
      expect(e164(written)).toBeNull();
    },
  );

  it.each([
    ['+14155238886', '+1', '4155238886'],
    ['+5511999990000', '+55', '11999990000'],
    ['+351912345678', '+351', '912345678'],
    ['+77011234567', '+7', '7011234567'],
  ])('%s is split where the calling code ends, and put together again', (number, callingCode, national) => {
    expect(splitE164(number)).toEqual({ callingCode, national });
    expect(joinE164(callingCode, national)).toBe(number);
  });

  it('kept whole beside a calling code is not given it twice', () => {
    expect(joinE164('+55', '+5511999990000')).toBe('+5511999990000');
    expect(joinE164(null, '11999990000')).toBeNull();
    expect(joinE164('55', null)).toBeNull();
  });
});
