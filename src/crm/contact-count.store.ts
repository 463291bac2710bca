import { Injectable } from '@nestjs/common';
import { HotPool } from '../database/hot-pool.js';
import { conditions, parameter } from './contact-conditions.store.js';
import type { ContactFilter } from './contact-filter.js';

export interface ContactTotal {
  total: number;
  /** False: an estimate from a sample, for a filter that many contacts fit and that is not counted all along. */
  exact: boolean;
}

/** Where a sample is taken: so many places, evenly over all contacts, and so many contacts at each. */
const PLACES = 20;
const AT_EACH_PLACE = 100;

/** Contacts at the ends of a range of time, on days that are not wholly in it, are counted up to here. */
const MOST_COUNTED = 20_000;
const DAY_MS = 86_400_000;

interface Facet {
  facet: string;
  key: string;
}

/** How many contacts a filter means (docs/adr/0017): from counts that are kept where one is enough, else from a sample. */
@Injectable()
export class ContactCountStore {
  constructor(private readonly hot: HotPool) {}

  async total(tenantId: string, filter: ContactFilter): Promise<ContactTotal> {
    if (filter.ids) return { total: filter.ids.length, exact: false };
    const facets = facetsOf(filter);
    const times = timesOf(filter);
    if (facets && facets.length + times.length <= 1) {
      const [facet = { facet: 'all', key: '' }] = facets;
      if (!times[0]) return { total: await this.kept(tenantId, facet), exact: true };
      const counted = await this.inTime(tenantId, times[0]);
      if (counted !== null) return { total: counted, exact: true };
    }
    return { total: await this.sampled(tenantId, filter), exact: false };
  }

  private async kept(tenantId: string, { facet, key }: Facet): Promise<number> {
    const rows = await this.hot.query<{ total: string }>(
      'contact_count',
      `select coalesce(sum(delta), 0)::text as total from contact_counts
       where tenant_id = $1::uuid and facet = $2 and key = $3`,
      [tenantId, facet, key],
    );
    return Number(rows[0]?.total);
  }

  /** Whole days from what is kept of them, the parts of days at both ends one by one; null when those are too many. */
  private async inTime(tenantId: string, { facet, from, to }: TimeRange): Promise<number | null> {
    const column = facet === 'created' ? 'created_at' : 'updated_at';
    const firstDay = from && new Date(Math.ceil(from.getTime() / DAY_MS) * DAY_MS);
    const endDay = to && new Date(Math.floor(to.getTime() / DAY_MS) * DAY_MS);
    const parts: [Date, Date][] = [];
    if (from && to && (firstDay as Date) > (endDay as Date)) parts.push([from, to]);
    else {
      if (from && firstDay && from < firstDay) parts.push([from, firstDay]);
      if (to && endDay && endDay < to) parts.push([endDay, to]);
    }
    const dayOf = (time: Date | undefined) => time?.toISOString().slice(0, 10) ?? null;
    const values: unknown[] = [tenantId, facet, dayOf(firstDay), dayOf(endDay)];
    const counted = parts.map(
      ([start, end]) => `(select count(*) from (select 1 from contacts c where c.tenant_id = $1::uuid
        and c.${column} >= ${parameter(values, start, 'timestamptz')} and c.${column} < ${parameter(values, end, 'timestamptz')}
        limit ${MOST_COUNTED}) part)::int`,
    );
    const [row] = await this.hot.queryPlanned<{ days: string; parts: number[] }>(
      `select coalesce(sum(delta), 0)::text as days, array[${counted.join(', ')}]::int[] as parts from contact_counts
       where tenant_id = $1::uuid and facet = $2 and ($3::text is null or key >= $3) and ($4::text is null or key < $4)`,
      values,
    );
    if (!row || row.parts.some((part) => part === MOST_COUNTED)) return null;
    return Number(row.days) + row.parts.reduce((sum, part) => sum + part, 0);
  }

  /**
   * So many of a sample as of all. The places lie evenly over the contacts in the order of their creation: the counts of days say
   * on which day the hundredth thousand was made.
   */
  private async sampled(tenantId: string, filter: ContactFilter): Promise<number> {
    const values: unknown[] = [tenantId];
    const text = `
      with days as (
        select key::timestamp at time zone 'UTC' as day, sum(delta)::float8 as made from contact_counts
        where tenant_id = $1::uuid and facet = 'created' group by 1 having sum(delta) > 0
      ), ranked as (
        select day, made, sum(made) over (order by day) - made as before, sum(made) over () as total from days
      ), places as (
        select day + (place * total / ${PLACES} - before) / made * interval '1 day' as at
        from ranked, generate_series(ceil(before * ${PLACES} / total)::int, ceil((before + made) * ${PLACES} / total)::int - 1) place
      )
      select count(*)::int as looked, count(*) filter (where ${conditions(tenantId, filter, values, 'walked')})::int as hits,
        coalesce((select max(total) from ranked), 0) as total
      from places, lateral (
        select * from contacts c where c.tenant_id = $1::uuid and c.created_at >= places.at
        order by c.created_at, c.id limit ${AT_EACH_PLACE}) c`;
    const [row] = await this.hot.queryPlanned<{ looked: number; hits: number; total: number }>(text, values);
    return row && row.looked > 0 ? Math.round((row.hits / row.looked) * row.total) : 0;
  }
}

interface TimeRange {
  facet: 'created' | 'updated';
  from?: Date;
  to?: Date;
}

function timesOf({ createdAfter, createdBefore, updatedAfter, updatedBefore }: ContactFilter): TimeRange[] {
  return [
    ...(createdAfter || createdBefore ? [{ facet: 'created' as const, from: createdAfter, to: createdBefore }] : []),
    ...(updatedAfter || updatedBefore ? [{ facet: 'updated' as const, from: updatedAfter, to: updatedBefore }] : []),
  ];
}

/** The facets a filter names, beside times; null when it asks for something that no facet counts. */
function facetsOf({
  tagIds = [],
  optedIn = [],
  exportConsentOnly,
  customFields,
  search,
}: ContactFilter): Facet[] | null {
  if (customFields || search) return null;
  return [
    ...tagIds.map((key) => ({ facet: 'tag', key })),
    ...optedIn.map((key) => ({ facet: 'optIn', key })),
    ...(exportConsentOnly ? [{ facet: 'consent', key: '' }] : []),
  ];
}
