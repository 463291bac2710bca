import { Injectable } from '@nestjs/common';
import { HotPool } from '../database/hot-pool.js';
import type { Contact } from './contact.store.js';
import {
  type AccessPath,
  column,
  conditions,
  keyTypes,
  orderBy,
  parameter,
  type Sql,
  sortKeys,
  timesAlong,
} from './contact-conditions.store.js';
import { ContactCountStore, type ContactTotal } from './contact-count.store.js';
import { type ContactFilter, type ContactOrder, NEWEST_FIRST } from './contact-filter.js';

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

const SELECTED = COLUMNS.map((name) => `${column(name)} as "${name}"`).join(', ');

/** So many contacts or fewer are gathered and sorted; of more, the order's index is walked until the page is full (docs/adr/0017). */
const FEW = 3_000;
/** Where the guess was wrong and they are more than this, the index is walked after all. */
const MOST_GATHERED = 50_000;
/** So far it is walked before those who match are gathered instead: they may all be at the other end. */
const WALKED_FIRST = 20_000;

export interface PageRequest {
  limit: number;
  offset?: number;
  /** Sort keys of the contact to go on behind (`keysOf`). */
  after?: readonly unknown[];
}

export interface ContactRows extends ContactTotal {
  rows: Contact[];
}

/** Lists of contacts, fast at a million of one tenant (docs/performance.md). */
@Injectable()
export class ContactListStore {
  constructor(
    private readonly hot: HotPool,
    private readonly counts: ContactCountStore,
  ) {}

  /** Every contact of a filter, in an order, as a statement to run through a cursor of the database; rows are `Contact`s. */
  all(tenantId: string, filter: ContactFilter, order: ContactOrder = NEWEST_FIRST): Sql {
    const values: unknown[] = [];
    const where = conditions(tenantId, filter, values, 'gathered');
    return { text: `select ${SELECTED} from contacts c where ${where} order by ${orderBy(order)}`, values };
  }

  /** What the order sorts a contact by; null when the tenant has no such contact. */
  async keysOf(tenantId: string, order: ContactOrder, id: string): Promise<unknown[] | null> {
    const keys = sortKeys(order).map((key, i) => `${key} as k${i}`);
    const text = `select ${keys.join(', ')} from contacts c where c.tenant_id = $1::uuid and c.id = $2::uuid`;
    const [row] = await this.hot.queryPlanned<Record<string, unknown>>(text, [tenantId, id]);
    return row ? Object.values(row) : null;
  }

  /** One page, and how many there are on all of them. */
  async page(tenantId: string, filter: ContactFilter, order: ContactOrder, request: PageRequest): Promise<ContactRows> {
    const total = await this.counts.total(tenantId, filter);
    if (total.total <= FEW) {
      const gathered = await this.gather(tenantId, filter, order, request, total.exact ? null : MOST_GATHERED);
      if (gathered) return gathered;
    }
    return { ...total, rows: await this.walk(tenantId, filter, order, request, total) };
  }

  /** Finds all of them by the indexes of what was asked for. Null when they are more than `most`. */
  private async gather(
    tenantId: string,
    filter: ContactFilter,
    order: ContactOrder,
    request: PageRequest,
    most: number | null,
  ): Promise<ContactRows | null> {
    const values: unknown[] = [];
    const keys = sortKeys(order);
    const where = conditions(tenantId, filter, values, 'gathered');
    const text = `
      with hits as materialized (
        select ${keys.map((key, i) => `${key} as k${i}`).join(', ')}, c.id from contacts c
        where ${where} ${most === null ? '' : `limit ${most + 1}`}
      ), page as (
        select * from hits where ${behind(
          keys.map((_, i) => `k${i}`),
          order,
          request,
          values,
        )}
        order by ${keys.map((_, i) => `k${i} ${direction(order)}`).join(', ')} ${range(request, values)}
      )
      select counted.hits, ${SELECTED}
      from (select count(*)::int as hits from hits) counted left join page on true
      left join contacts c on c.tenant_id = $1::uuid and c.id = page.id
      order by ${orderBy(order)}`;
    const found = await this.hot.queryPlanned<Contact & { hits: number }>(text, values);
    const total = found[0]?.hits ?? 0;
    if (most !== null && total > most) return null;
    const rows = found.flatMap(({ hits: _hits, ...contact }) => (contact.id === null ? [] : [contact]));
    return { rows, total, exact: true };
  }

  /** Goes along the order's index and keeps what matches. */
  private async walk(
    tenantId: string,
    filter: ContactFilter,
    order: ContactOrder,
    request: PageRequest,
    { total }: ContactTotal,
  ): Promise<Contact[]> {
    const near = await this.walkUpTo(tenantId, filter, order, request, WALKED_FIRST);
    if (near.length === request.limit || Object.keys(filter).length === 0) return near;
    if (total <= MOST_GATHERED) {
      const gathered = await this.gather(tenantId, filter, order, request, null);
      if (gathered) return gathered.rows;
    }
    return this.walkUpTo(tenantId, filter, order, request, null);
  }

  /** @param most contacts to look at; null: all */
  private async walkUpTo(
    tenantId: string,
    filter: ContactFilter,
    order: ContactOrder,
    request: PageRequest,
    most: number | null,
  ): Promise<Contact[]> {
    const values: unknown[] = [];
    const bounded = most !== null && Object.keys(filter).length > 0;
    const where = (path: AccessPath) => conditions(tenantId, filter, values, path);
    const from = bounded
      ? `(select c.* from contacts c where c.tenant_id = ${parameter(values, tenantId, 'uuid')}
          and ${behind(sortKeys(order), order, request, values)} and ${timesAlong(order, filter, values)}
          order by ${orderBy(order)} limit ${most})`
      : 'contacts';
    const text = `
      select ${SELECTED} from (
        select c.id from ${from} c where ${where('walked')} and ${behind(sortKeys(order), order, request, values)}
        order by ${orderBy(order)} ${range(request, values)}
      ) page join contacts c on c.id = page.id
      order by ${orderBy(order)}`;
    return this.hot.queryPlanned<Contact>(text, values);
  }
}

const direction = ({ descending }: ContactOrder) => (descending ? 'desc' : 'asc');

/** The condition that a row comes behind the one a page goes on behind. */
function behind(keys: string[], order: ContactOrder, { after }: PageRequest, values: unknown[]): string {
  if (!after) return 'true';
  const types = keyTypes(order);
  const given = after.map((value, i) => parameter(values, value, types[i] as string));
  return `(${keys.join(', ')}) ${order.descending ? '<' : '>'} (${given.join(', ')})`;
}

function range({ limit, offset = 0 }: PageRequest, values: unknown[]): string {
  return `limit ${parameter(values, limit, 'int')} offset ${parameter(values, offset, 'int')}`;
}
