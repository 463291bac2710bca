import type { Contact } from './contact.store.js';

export const PLATFORMS = ['messenger', 'instagram', 'whatsapp', 'telegram'] as const;
export type Platform = (typeof PLATFORMS)[number];

/** The column of the opt-in for a platform. */
export const OPT_IN = {
  messenger: 'optInMessenger',
  instagram: 'optInInstagram',
  whatsapp: 'optInWhatsapp',
  telegram: 'optInTelegram',
} as const satisfies Record<Platform, keyof Contact>;

/** Fields that are one value in one column and may be cleared. */
export const PLAIN_FIELDS = [
  'email',
  'firstName',
  'lastName',
  'phone',
  'whatsappPhone',
  'gender',
  'locale',
  'timezone',
  'profilePic',
  'externalId',
  'manychatId',
  'instagramUsername',
  'instagramId',
  'source',
  'subscribedAt',
  'lastSyncedAt',
] as const satisfies readonly (keyof Contact)[];
export type PlainField = (typeof PLAIN_FIELDS)[number];

/** What to make of a contact: absent stays as it is, null clears. Values are checked and normalised before (contact-checker). */
export interface ContactPatch extends Partial<Pick<Contact, PlainField>> {
  optIns?: Partial<Record<Platform, boolean>>;
  /** By name; null takes a value away, names that are absent keep theirs. */
  customFields?: Record<string, unknown>;
  /** `set` makes these the contact's tags; `add` and `remove` leave the others. Tags are made where there are none. */
  tags?: { set?: string[]; add?: string[]; remove?: string[] };
  exportConsent?: { given: boolean; at?: Date; source?: string };
  /** Merged into what is there, name by name. */
  attributes?: Record<string, unknown>;
}

/** What names one contact. Of several, the first that finds one counts, in this order. */
export interface ContactKeys {
  externalId?: string | null;
  manychatId?: string | null;
  /** In lower case. */
  email?: string | null;
  phone?: string | null;
}
