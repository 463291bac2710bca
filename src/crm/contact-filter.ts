import type { Platform } from './contact-patch.js';

/** Which contacts are meant: all conditions at once. Made from a query by contact-filter-reader, which knows tags and fields by name. */
export interface ContactFilter {
  ids?: readonly string[];
  /** From this time on. */
  createdAfter?: Date;
  /** Before this time. */
  createdBefore?: Date;
  updatedAfter?: Date;
  updatedBefore?: Date;
  /** Contacts that have each of these tags. */
  tagIds?: readonly string[];
  /** Contacts whose custom fields have these values, of the types the fields have. */
  customFields?: Readonly<Record<string, string | number | boolean>>;
  /** Contacts that opted in on each of these. */
  optedIn?: readonly Platform[];
  /** Words, each of them somewhere in a name, the e-mail address or the Instagram name, whatever its case and accents. */
  search?: string;
  /** Only contacts who agreed to be exported. */
  exportConsentOnly?: boolean;
}

export const CONTACT_SORTS = ['id', 'createdAt', 'updatedAt', 'firstName', 'lastName'] as const;
export type ContactSort = (typeof CONTACT_SORTS)[number];

export interface ContactOrder {
  by: ContactSort;
  descending: boolean;
}

export const NEWEST_FIRST: ContactOrder = { by: 'createdAt', descending: true };
