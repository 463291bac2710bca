import type { ContactFilter, ContactOrder, ContactSort } from './contact-filter.js';
import { OPT_IN } from './contact-patch.js';

/** A statement with the values of its parameters. */
export interface Sql {
  text: string;
  values: unknown[];
}

/**
 * How the contacts of a filter are found: `gathered` by the indexes of tags, words and custom fields, or `walked`: in the order of the
 * page, each looked at. Both mean the same contacts; the second is written in operators that lead Postgres to no other index.
 */
export type AccessPath = 'gathered' | 'walked';

/** What each order sorts by, as its index has it. Contacts without a name come last, or first in descending order. */
const SORTED_BY: Record<ContactSort, { keys: string[]; types: string[] }> = {
  id: { keys: ['c.id'], types: ['uuid'] },
  createdAt: { keys: ['c.created_at', 'c.id'], types: ['timestamptz', 'uuid'] },
  updatedAt: { keys: ['c.updated_at', 'c.id'], types: ['timestamptz', 'uuid'] },
  firstName: {
    keys: ['(c.first_name is null)', "coalesce(c.first_name, '')", 'c.id'],
    types: ['boolean', 'text', 'uuid'],
  },
  lastName: {
    keys: ['(c.last_name is null)', "coalesce(c.last_name, '')", 'c.id'],
    types: ['boolean', 'text', 'uuid'],
  },
};

export const sortKeys = ({ by }: ContactOrder) => SORTED_BY[by].keys;
export const keyTypes = ({ by }: ContactOrder) => SORTED_BY[by].types;

export function orderBy(order: ContactOrder): string {
  return sortKeys(order)
    .map((key) => `${key} ${order.descending ? 'desc' : 'asc'}`)
    .join(', ');
}

/** A column of `contacts c` by the name it has in our model. */
export const column = (name: string) => `c.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;

/** Adds a value to a statement's. */
export function parameter(values: unknown[], value: unknown, type: string): string {
  return `$${values.push(value)}::${type}`;
}

/** The filter as conditions over `contacts c`. */
export function conditions(tenantId: string, filter: ContactFilter, values: unknown[], path: AccessPath): string {
  const tenant = parameter(values, tenantId, 'uuid');
  const { ids, tagIds = [], customFields = {}, optedIn = [], exportConsentOnly, search } = filter;
  return [
    `c.tenant_id = ${tenant}`,
    ...(ids ? [`c.id = any(${parameter(values, ids, 'uuid[]')})`] : []),
    ...times(filter, values),
    ...tagIds.map((id) => tagged(tenant, parameter(values, id, 'uuid'), path)),
    ...Object.entries(customFields).map(([name, value]) => hasValue(name, value, values, path)),
    ...optedIn.map((platform) => column(OPT_IN[platform])),
    ...(exportConsentOnly ? ['c.export_consent_given'] : []),
    ...wordsOf(search).map((word) => contains(word, values, path)),
  ].join(' and ');
}

/** Of the filter's times those that bound the order's own index. */
export function timesAlong(order: ContactOrder, filter: ContactFilter, values: unknown[]): string {
  const { createdAfter, createdBefore, updatedAfter, updatedBefore } = filter;
  const along = {
    ...(order.by === 'createdAt' && { createdAfter, createdBefore }),
    ...(order.by === 'updatedAt' && { updatedAfter, updatedBefore }),
  };
  return ['true', ...times(along, values)].join(' and ');
}

function times(filter: ContactFilter, values: unknown[]): string[] {
  const { createdAfter, createdBefore, updatedAfter, updatedBefore } = filter;
  const one = (condition: string, at: Date | undefined) =>
    at === undefined ? [] : [`${condition} ${parameter(values, at, 'timestamptz')}`];
  return [
    ...one('c.created_at >=', createdAfter),
    ...one('c.created_at <', createdBefore),
    ...one('c.updated_at >=', updatedAfter),
    ...one('c.updated_at <', updatedBefore),
  ];
}

function tagged(tenant: string, tag: string, path: AccessPath): string {
  const marks = `contact_tags ct where ct.tenant_id = ${tenant} and ct.tag_id = ${tag} and ct.contact_id = c.id`;
  return path === 'gathered' ? `exists (select 1 from ${marks})` : `coalesce((select true from ${marks}), false)`;
}

function hasValue(name: string, value: unknown, values: unknown[], path: AccessPath): string {
  if (path === 'gathered') return `c.custom_fields @> ${parameter(values, JSON.stringify({ [name]: value }), 'jsonb')}`;
  return `c.custom_fields -> ${parameter(values, name, 'text')} = ${parameter(values, JSON.stringify(value), 'jsonb')}`;
}

export const wordsOf = (search: string | undefined) => (search ?? '').split(/\s+/).filter(Boolean);

/** Shorter than this there is no trigram of a word, but only of its beginning. */
const SHORTEST_PART = 3;

function contains(word: string, values: unknown[], path: AccessPath): string {
  const begins = [...word].length < SHORTEST_PART;
  if (path === 'walked') {
    const form = `search_form(${parameter(values, begins ? ` ${word}` : word, 'text')})`;
    return `strpos(${begins ? "' ' || " : ''}c.search_text, ${form}) > 0`;
  }
  const form = `search_form(${parameter(values, escaped(word), 'text')})`;
  return begins
    ? `(c.search_text like ${form} || '%' or c.search_text like '% ' || ${form} || '%')`
    : `c.search_text like '%' || ${form} || '%'`;
}

/** For LIKE: `50%` looks for a percent sign. */
const escaped = (word: string) => word.replaceAll(/[\\%_]/g, '\\$&');
