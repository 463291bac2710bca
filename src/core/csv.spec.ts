import { expect, it } from 'vitest';
import { withoutFormula } from './csv.js';

it.each([
  ['=HYPERLINK("http://evil.example","x")'],
  ['+cmd|/C calc'],
  ['-1+1'],
  ['@SUM(A1)'],
  ['\t=1'],
  ['\r=1'],
  ['\n=1'],
  ['＝1+1'],
  ['＋1'],
  ['－1'],
  ['＠x'],
  ['+1-555-123'],
  ['+1 (555) 123'],
  ['+1 2=3'],
  ['-'],
  ['+'],
  ['-1\n=2'],
])('%j is shown and not run', (cell) => {
  expect(withoutFormula(cell)).toBe(`'${cell}`);
});

it.each([
  ['Ada'],
  [''],
  [' =1'],
  ['a=b'],
  ['1-2'],
  ['-5'],
  ['-5,25'],
  ['+3.5'],
  ['+1234567890'],
  ['+55 11 91234 5678'],
  ["'=1"],
  ['ana@example.com'],
])('%j stays as it is', (cell) => {
  expect(withoutFormula(cell)).toBe(cell);
});
