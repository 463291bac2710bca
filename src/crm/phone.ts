import { type CountryCode, isSupportedCountry, parsePhoneNumberWithError } from 'libphonenumber-js/min';

/** E.164 has at most 15 digits; shorter than this is no number that can be called from abroad. */
const FEWEST_DIGITS = 8;

/**
 * A telephone number in E.164 (`+5511999999999`), or null when it is none. Numbers in national form are of `country`. One in
 * international form may be longer or shorter than its country's plan says, as the sample of the FlowKick guide (`+1234567890`) is.
 * @param country ISO 3166 alpha-2; null: only the international form is understood
 */
export function normalPhone(text: string, country: string | null): string | null {
  try {
    const defaultCountry = country === null ? undefined : (country as CountryCode);
    const phone = parsePhoneNumberWithError(text.trim(), { defaultCountry, extract: false });
    if (phone.ext !== undefined) return null;
    const international = text.trim().startsWith('+') && phone.number.length > FEWEST_DIGITS;
    return phone.isPossible() || international ? phone.number : null;
  } catch {
    return null;
  }
}

/** As people of Brazil write theirs, `(11) 99999-9999`, which the Sistema CRM guide prints; numbers of elsewhere as they are stored. */
export function printedInBrazil(phone: string | null): string | null {
  if (!phone?.startsWith('+55')) return phone;
  try {
    return parsePhoneNumberWithError(phone).formatNational();
  } catch {
    return phone;
  }
}

export function isCountry(value: unknown): value is string {
  return typeof value === 'string' && isSupportedCountry(value);
}
