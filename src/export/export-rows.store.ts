import { Injectable } from '@nestjs/common';
import { BulkPool, type Sql } from '../database/bulk-pool.js';
import type { RowCursor } from '../database/row-cursor.js';
import { type ExportColumn, selected } from './export-column.js';
import { place } from './row-conditions.js';
import type { Conditions, RowSource } from './row-source.js';

/** Which rows of a source, and what of them. */
export interface RowSelection {
  source: RowSource;
  columns: readonly ExportColumn[];
  conditions: Conditions;
}

export interface RowRange {
  /** The key of the row to go on after. */
  after?: readonly string[];
  /** Only rows whose id is not above this one: those that were there when it was made. */
  upToId?: string;
  limit?: number;
}

/** Reads the rows of exports, always in the order of their key. */
@Injectable()
export class ExportRowsStore {
  constructor(private readonly bulk: BulkPool) {}

  /** A row has the texts of its columns, and then those of its key. */
  open({ source, columns, conditions }: RowSelection, range: RowRange): Promise<RowCursor> {
    const values: unknown[] = [];
    const cells = columns.map((column) => selected(column, values));
    const keys = source.key.map((key) => `${key}::text`);
    return this.bulk.open({
      text: `select ${[...cells, ...keys].join(', ')} ${fromWhere(source, conditions, range, values)}
             order by ${source.key.join(', ')} ${range.limit === undefined ? '' : `limit ${place(values, range.limit, 'int')}`}`,
      values,
    });
  }

  async count({ source, conditions }: RowSelection, range: RowRange): Promise<number> {
    const values: unknown[] = [];
    const statement: Sql = {
      text: `select count(*)::int as count ${fromWhere(source, conditions, range, values)}`,
      values,
    };
    return (await this.bulk.query<{ count: number }>(statement))[0]?.count ?? 0;
  }
}

function fromWhere(source: RowSource, conditions: Conditions, { after, upToId }: RowRange, values: unknown[]): string {
  const id = (value: string) => place(values, value, 'uuid');
  return [
    `from ${source.from} where ${conditions(values)}`,
    ...(after && after.length > 0 ? [`and (${source.key.join(', ')}) > (${after.map(id).join(', ')})`] : []),
    ...(upToId ? [`and ${source.key.at(-1)} <= ${id(upToId)}`] : []),
  ].join(' ');
}
