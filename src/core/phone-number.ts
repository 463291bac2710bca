/**
 * Telephone numbers in E.164, as they go between systems: `+5511999990000`. What cannot be brought into that form stays out:
 * guessing a country would send somebody else a message.
 */

/** Country calling codes (ITU-T E.164, annex) of one and two digits; all others have three, and none begins another. */
const SHORT_CODES = new Set(
  `1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92
   93 94 95 98`.split(/\s+/),
);

/** `+` and digits, from a number as people write it (`+55 (11) 99999-0000`, `0055 11 …`); null when it names no country. */
export function e164(value: string | null | undefined): string | null {
  const compact = (value ?? '').replace(/[\s().\-/]/g, '').replace(/^00(?=[1-9])/, '+');
  return /^\+[1-9]\d{6,14}$/.test(compact) ? compact : null;
}

/** @param number in E.164 @returns the calling code with its `+`, and the digits after it */
export function splitE164(number: string): { callingCode: string; national: string } {
  const digits = number.slice(1);
  const length = [1, 2].find((count) => SHORT_CODES.has(digits.slice(0, count))) ?? 3;
  return { callingCode: `+${digits.slice(0, length)}`, national: digits.slice(length) };
}

/** Puts together what a system keeps apart; null when the parts do not make a number. */
export function joinE164(callingCode: string | null | undefined, national: string | null | undefined): string | null {
  const whole = e164(national);
  if (whole) return whole;
  const code = (callingCode ?? '').replace(/\D/g, '');
  return code === '' || !national ? null : e164(`+${code}${national.replace(/\D/g, '')}`);
}
