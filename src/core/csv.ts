/** What makes a spreadsheet take a cell for a formula (OWASP, "CSV Injection"), also in full width. */
const FORMULA_START = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
/** `-12`, `+3.5`, `+1234567890`, `+55 11 91234 5678`: without a letter, sign or bracket further on nothing is computed. */
const NUMBER_OR_PHONE = /^(?:[+-]?\d+(?:[.,]\d+)?|\+\d+(?: \d+)*)$/;

/**
 * A cell that a spreadsheet shows and does not run: what begins like a formula gets an apostrophe in front. Numbers with a sign and
 * telephone numbers in digits stay as they are, or nobody could use them.
 */
export function withoutFormula(cell: string): string {
  return FORMULA_START.test(cell) && !NUMBER_OR_PHONE.test(cell) ? `'${cell}` : cell;
}
