/** What `decimal(18,4)` holds, with room to add up. */
export const MONEY = /^\d{1,13}(\.\d{1,4})?$/;

/**
 * An amount as decimal text, in the one way it is written everywhere (`129.90`, `0.1234`): no cent is lost to a binary number.
 * Null for what is no amount: a sign, an exponent, more than four decimals.
 */
export function moneyOf(value: unknown): string | null {
  const said = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (!MONEY.test(said)) return null;
  const [units = '', decimals = ''] = said.split('.');
  return `${units.replace(/^0+(?=\d)/, '')}.${decimals.replace(/0+$/, '').padEnd(2, '0')}`;
}

/** As the CRM guide's events carry it; a double holds every amount up to nine billion with its four decimals. */
export function moneyNumber(amount: unknown): number | null {
  return amount === null ? null : Number(amount);
}
