import { invalidField } from '../core/errors.js';

export const FORMATS = ['csv', 'json', 'ndjson'] as const;
export type ExportFormat = (typeof FORMATS)[number];

/** An SQL expression; a function where it has values of its own, which it adds to the statement's (`place`). */
export type Expression = string | ((values: unknown[]) => string);

/** One column of an export: a cell of CSV, a member of JSON. */
export interface ExportColumn {
  /** In CSV's first line, and in `fields`. */
  name: string;
  /** Where it stands in JSON, at most one level down: `optIns.messenger`. Default: at the top, by its name. */
  path?: string;
  /** Gives text, a number, a boolean, a time or JSON, as `kind` says. */
  sql: Expression;
  kind: 'text' | 'number' | 'boolean' | 'time' | 'json';
  /** Only in CSV, or only in JSON. */
  only?: 'csv' | 'json';
  /** Not there unless it is asked for by name. */
  optional?: true;
  /** What of a cell may be shown. */
  shown?: (cell: string) => string;
}

export const pathOf = (column: ExportColumn) => column.path ?? column.name;

/**
 * The columns that an export has. `fields` names them (or what they stand under in JSON: `optIns`); CSV keeps that order.
 * @param further optional columns to add to all others
 * @throws AppError `invalid_request` for a field that there is not
 */
export function chooseColumns(
  all: readonly ExportColumn[],
  format: ExportFormat,
  fields: readonly string[] | undefined,
  pointer: string,
  further: readonly string[] = [],
): ExportColumn[] {
  const other = format === 'csv' ? 'json' : 'csv';
  const possible = all.filter((column) => column.only !== other);
  if (!fields) return possible.filter((column) => !column.optional || further.includes(column.name));
  const chosen = fields.flatMap((field) => {
    const meant = possible.filter((column) => isNamed(column, field));
    if (meant.length === 0) throw unknownField(field, format, possible, pointer);
    return meant;
  });
  // In JSON what stands under the same name has to stand together.
  return format === 'csv' ? [...new Set(chosen)] : possible.filter((column) => chosen.includes(column));
}

function isNamed(column: ExportColumn, field: string): boolean {
  return column.name === field || pathOf(column) === field || pathOf(column).startsWith(`${field}.`);
}

function unknownField(field: string, format: ExportFormat, possible: ExportColumn[], pointer: string) {
  const names = possible.map((column) => column.name).join(', ');
  return invalidField(pointer, `There is no field "${field}" in ${format} here. There are: ${names}.`);
}

/** A time as everywhere in the API: ISO 8601, UTC, milliseconds. */
export function isoTime(sql: string): string {
  return `to_char(${sql} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** The column's expression as it is selected: always text. */
export function selected(column: ExportColumn, values: unknown[]): string {
  const sql = typeof column.sql === 'string' ? column.sql : column.sql(values);
  return column.kind === 'time' ? isoTime(sql) : `(${sql})::text`;
}
