import { contentHash } from '../core/content-hash.js';
import { type PersonContent, personContent } from '../core/person-content.js';
import { joinE164 } from '../core/phone-number.js';
import { at, textOf } from '../inbound-events/handlers/fields.js';

/**
 * A person as a webhook of Twenty has it (provider sheet §3); the MedFlow guide prints `email` and `phone` where Twenty has `emails` and
 * `phones`: both are read.
 */
export function personOfRecord(record: unknown): PersonContent {
  const phones = at(record, 'phones') ?? at(record, 'phone');
  const national = textOf(at(phones, 'primaryPhoneNumber'));
  return personContent({
    firstName: textOf(at(record, 'name', 'firstName')),
    lastName: textOf(at(record, 'name', 'lastName')),
    email: textOf(at(record, 'emails', 'primaryEmail')) ?? textOf(at(record, 'email', 'primaryEmail')),
    phone: joinE164(textOf(at(phones, 'primaryPhoneCallingCode')), national) ?? national,
  });
}

export interface OpportunityState {
  title: string | null;
  stage: string | null;
  /** Decimal text in the main unit. */
  amount: string | null;
  currency: string | null;
  closeDate: string | null;
  personId: string | null;
}

/** An opportunity as a webhook of Twenty has it, or as its API gives it. */
export function opportunityOfRecord(record: unknown): OpportunityState {
  const micros = Number(at(record, 'amount', 'amountMicros') ?? Number.NaN);
  const closeDate = new Date(textOf(at(record, 'closeDate')) ?? Number.NaN);
  return {
    title: textOf(at(record, 'name')),
    stage: textOf(at(record, 'stage')),
    amount: Number.isFinite(micros) ? (micros / 1e6).toFixed(2) : null,
    currency: textOf(at(record, 'amount', 'currencyCode'), 3),
    closeDate: Number.isNaN(closeDate.getTime()) ? null : closeDate.toISOString(),
    personId: textOf(at(record, 'pointOfContactId')),
  };
}

export function opportunityHash(state: OpportunityState): string {
  return contentHash({ ...state });
}

/** The time of a record's state; null when it does not say. */
export function updatedAtOf(record: unknown): Date | null {
  const time = new Date(textOf(at(record, 'updatedAt')) ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? null : time;
}
