import { Injectable } from '@nestjs/common';
import type { Contact } from './contact.store.js';
import { type ContactFilter, type ContactOrder, type ContactSort, NEWEST_FIRST } from './contact-filter.js';
import { OPT_IN } from './contact-patch.js';

/** A statement, or a part of one, with the values of its parameters. */
export interface Sql {
  text: string;
  values: unknown[];
}

/** All but `search_text`, which is for looking into only. */
const COLUMNS = [
  'id',
  'tenantId',
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
  'attributes',
  'customFields',
  'optInMessenger',
  'optInInstagram',
  'optInWhatsapp',
  'optInTelegram',
  'exportConsentGiven',
  'exportConsentAt',
  'messagesCount',
  'commentsCount',
  'storiesCount',
  'interactionsUpdatedAt',
  'bookingsCount',
  'qrScansCount',
  'conversationsCount',
  'lastBookingAt',
  'lastSyncedAt',
  'subscribedAt',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof Contact)[];

const column = (name: string) => `c.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
const SELECTED = COLUMNS.map((name) => `${column(name)} as "${name}"`).join(', ');

/** What each order sorts by, as its index has it. Contacts without a name come last, or first in descending order. */
const SORTED_BY: Record<ContactSort, string[]> = {
  id: ['c.id'],
  createdAt: ['c.created_at', 'c.id'],
  updatedAt: ['c.updated_at', 'c.id'],
  firstName: ['(c.first_name is null)', "coalesce(c.first_name, '')", 'c.id'],
  lastName: ['(c.last_name is null)', "coalesce(c.last_name, '')", 'c.id'],
};

@Injectable()
export class ContactListStore {
  /** Every contact of a filter, in an order, as a statement to run through a cursor of the database; rows are `Contact`s. */
  all(tenantId: string, filter: ContactFilter, order: ContactOrder = NEWEST_FIRST): Sql {
    const values: unknown[] = [];
    const where = conditions(tenantId, filter, values);
    return { text: `select ${SELECTED} from contacts c where ${where} order by ${orderBy(order)}`, values };
  }
}

function orderBy({ by, descending }: ContactOrder): string {
  return SORTED_BY[by].map((expression) => `${expression} ${descending ? 'desc' : 'asc'}`).join(', ');
}

/** The filter as conditions over `contacts c`, in operators that indexes answer; values are added to the statement's. */
function conditions(tenantId: string, filter: ContactFilter, values: unknown[]): string {
  const tenant = parameter(values, tenantId, 'uuid');
  const { ids, createdAfter, createdBefore, updatedAfter, updatedBefore } = filter;
  const time = (name: string, operator: string, at: Date | undefined) =>
    at === undefined ? [] : [`c.${name} ${operator} ${parameter(values, at, 'timestamptz')}`];
  return [
    `c.tenant_id = ${tenant}`,
    ...(ids ? [`c.id = any(${parameter(values, ids, 'uuid[]')})`] : []),
    ...time('created_at', '>=', createdAfter),
    ...time('created_at', '<', createdBefore),
    ...time('updated_at', '>=', updatedAfter),
    ...time('updated_at', '<', updatedBefore),
    ...(filter.tagIds ?? []).map(
      (id) =>
        `exists (select 1 from contact_tags ct where ct.tenant_id = ${tenant} and ct.tag_id = ${parameter(values, id, 'uuid')} and ct.contact_id = c.id)`,
    ),
    ...(filter.customFields
      ? [`c.custom_fields @> ${parameter(values, JSON.stringify(filter.customFields), 'jsonb')}`]
      : []),
    ...(filter.optedIn ?? []).map((platform) => column(OPT_IN[platform])),
    ...(filter.exportConsentOnly ? ['c.export_consent_given'] : []),
    ...wordsOf(filter.search).map(
      (word) => `c.search_text like '%' || search_form(${parameter(values, escaped(word), 'text')}) || '%'`,
    ),
  ].join(' and ');
}

function parameter(values: unknown[], value: unknown, type: string): string {
  return `$${values.push(value)}::${type}`;
}

const wordsOf = (search: string | undefined) => (search ?? '').split(/\s+/).filter(Boolean);

/** For LIKE: `50%` looks for a percent sign. */
const escaped = (word: string) => word.replaceAll(/[\\%_]/g, '\\$&');
