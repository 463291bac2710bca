import { Type } from 'class-transformer';
import { IsInt, IsISO8601, IsString, Max, Min } from 'class-validator';
import { decodeCursor, encodeCursor } from '../core/cursor.js';
import { invalidField } from '../core/errors.js';
import { MayBeAbsent } from './may-be-absent.decorator.js';

/** Query of every native list: newest first, keyset. */
export class PageQuery {
  /** Rows on a page, 1 to 200. */
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt({ message: 'limit must be a whole number' })
  @Min(1)
  @Max(200)
  limit: number = 50;

  /** `nextCursor` of the page before. */
  @MayBeAbsent()
  @IsString()
  cursor?: string;
}

export class TimeRangeQuery extends PageQuery {
  /** From this time on, ISO 8601. */
  @MayBeAbsent()
  @IsISO8601()
  since?: string;

  /** Before this time, ISO 8601. */
  @MayBeAbsent()
  @IsISO8601()
  until?: string;
}

/** The range of a query as times. */
export function timeRange(query: TimeRangeQuery): { since?: Date; until?: Date } {
  const { since, until } = query;
  return {
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
  };
}

export interface Page<T> {
  data: T[];
  /** Give it as `cursor` to get the next page; null on the last. */
  nextCursor: string | null;
}

/** The id to continue below, or undefined for the first page. */
export function cursorId(query: PageQuery): string | undefined {
  if (query.cursor === undefined) return undefined;
  const id = decodeCursor(query.cursor);
  if (!id)
    throw invalidField(
      '?cursor',
      'The cursor is not one this API gave: pass nextCursor of the page before, unchanged.',
    );
  return id;
}

/** Rows were asked for with `limit + 1`: the one too many says that there is a next page. */
export function pageOf<Row extends { id: string }, T>(rows: Row[], limit: number, present: (row: Row) => T): Page<T> {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { data: page.map(present), nextCursor: rows.length > limit && last ? encodeCursor(last.id) : null };
}
