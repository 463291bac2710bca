import type { TextRow } from '../database/row-cursor.js';
import type { RowSelection } from './export-rows.store.js';

/** The cells of rows as they may be shown; the keys behind them are taken off. */
export function cellsOf({ columns }: RowSelection, rows: TextRow[]): TextRow[] {
  const shown = columns.flatMap(({ shown }, i) => (shown ? [[i, shown] as const] : []));
  for (const row of rows) {
    row.length = columns.length;
    for (const [i, show] of shown) {
      const cell = row[i];
      if (cell) row[i] = show(cell);
    }
  }
  return rows;
}

/** The key of the last row. */
export function lastKey({ columns }: RowSelection, rows: TextRow[]): string[] {
  return (rows.at(-1) as TextRow).slice(columns.length) as string[];
}
