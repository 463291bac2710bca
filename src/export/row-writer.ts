import { stringify } from 'csv-stringify/sync';
import { withoutFormula } from '../core/csv.js';
import type { TextRow } from '../database/row-cursor.js';
import { type ExportColumn, type ExportFormat, pathOf } from './export-column.js';

export const CONTENT_TYPES: Record<ExportFormat, string> = {
  csv: 'text/csv; charset=utf-8; header=present',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

/** Makes the text of an export: `head`, then rows in any number of pieces, then `tail`. */
export interface RowWriter {
  head: string;
  /** @param first whether these are the first rows of all */
  rows(rows: TextRow[], first: boolean): string;
  tail(rowCount: number): string;
}

/** RFC 4180, with the names of the columns in the first line. `bom` tells spreadsheets that it is UTF-8. */
export function csvWriter(columns: readonly ExportColumn[], { bom = false } = {}): RowWriter {
  const texts = columns.flatMap(({ kind }, i) => (kind === 'text' ? [i] : []));
  const lines = (rows: TextRow[]) => stringify(rows, { record_delimiter: 'windows' });
  return {
    head: (bom ? '\uFEFF' : '') + lines([columns.map(({ name }) => withoutFormula(name))]),
    rows: (rows) => {
      for (const row of rows) {
        for (const i of texts) {
          const cell = row[i];
          if (cell) row[i] = withoutFormula(cell);
        }
      }
      return lines(rows);
    },
    tail: () => '',
  };
}

/** One object: `facts`, the rows in a list called `list`, and at last how many there were. */
export function jsonWriter(columns: readonly ExportColumn[], facts: Record<string, unknown>, list: string): RowWriter {
  const write = rowAsJson(columns);
  const opening = JSON.stringify(facts).slice(0, -1);
  return {
    head: `${opening}${opening === '{' ? '' : ','}${JSON.stringify(list)}:[`,
    rows: (rows, first) => (first || rows.length === 0 ? '' : ',') + rows.map((row) => `\n${write(row)}`).join(','),
    tail: (rowCount) => `\n],"count":${rowCount}}\n`,
  };
}

/** A line of JSON for each row. */
export function ndjsonWriter(columns: readonly ExportColumn[]): RowWriter {
  const write = rowAsJson(columns);
  return {
    head: '',
    rows: (rows) => rows.map((row) => `${write(row)}\n`).join(''),
    tail: () => '',
  };
}

/** Names and brackets are the same in every row, so they are written once; only the cells are filled in. */
function rowAsJson(columns: readonly ExportColumn[]): (row: TextRow) => string {
  const before: string[] = [];
  let under = '';
  for (const [i, column] of columns.entries()) {
    const path = pathOf(column).split('.');
    const parent = path.length > 1 ? (path[0] as string) : '';
    const name = `${JSON.stringify(path.at(-1))}:`;
    if (parent === under) before.push((i > 0 ? ',' : '{') + name);
    else {
      const opened = parent ? `${JSON.stringify(parent)}:{` : '';
      before.push((under ? '}' : '') + (i > 0 ? ',' : '{') + opened + name);
    }
    under = parent;
  }
  const end = `${columns.length === 0 ? '{' : ''}${under ? '}' : ''}}`;
  const values = columns.map(({ kind }) => CELLS[kind]);
  return (row) => {
    let text = '';
    for (let i = 0; i < values.length; i++) {
      const cell = row[i];
      text += before[i];
      text += cell === null || cell === undefined ? 'null' : (values[i] as (cell: string) => string)(cell);
    }
    return text + end;
  };
}

const CELLS: Record<ExportColumn['kind'], (cell: string) => string> = {
  text: (cell) => JSON.stringify(cell),
  time: (cell) => `"${cell}"`,
  number: (cell) => cell,
  boolean: (cell) => cell,
  // Line ends outside of strings are only space, and one row is one line.
  json: (cell) => (/[\r\n]/.test(cell) ? cell.replaceAll(/[\r\n]+/g, ' ') : cell),
};
