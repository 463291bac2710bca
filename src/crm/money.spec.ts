import { describe, expect, it } from 'vitest';
import { moneyOf } from './money.js';

describe('money', () => {
  it.each([
    [129.9, '129.90'],
    ['129.9000', '129.90'],
    ['0007', '7.00'],
    [0, '0.00'],
    [' 0.1234 ', '0.1234'],
    ['9999999999999.9999', '9999999999999.9999'],
  ])('is written in one way: %j', (said, text) => expect(moneyOf(said)).toBe(text));

  it.each([-1, '-1', '1e3', 1e21, '1.23456', '12345678901234', '1,50', '', 'ten', null, undefined, NaN, {}])(
    'is not %j',
    (said) => expect(moneyOf(said)).toBeNull(),
  );
});
