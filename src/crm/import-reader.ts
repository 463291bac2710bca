import { pipeline, Readable } from 'node:stream';
import { CsvError, type Info, parse } from 'csv-parse';
import { invalidField } from '../core/errors.js';

/** One thing that is to become a contact, as the file says it. */
export interface ImportRecord {
  /** Of its first line; in a JSON array its place. */
  line: number;
  /** By the name of its column. */
  cells: Record<string, unknown>;
  /** What is wrong with the row as a whole. */
  problem?: string;
}

/** A file as its columns and its rows. JSON has no columns of its own: null. */
export interface ImportFile {
  columns: string[] | null;
  records: AsyncGenerator<ImportRecord>;
}

export const DELIMITERS = [',', ';', '\t', '|'] as const;

const MOST_COLUMNS = 500;
/** Of one row: a quote that is never closed makes a row of the rest of the file. */
const LONGEST_ROW = 256 * 1024;
const LONGEST_HEADER = 64 * 1024;
/** A JSON array is parsed as a whole; what is larger comes by the line. */
const LARGEST_ARRAY = 16 * 1024 * 1024;

/** @throws AppError invalid_request, also while the records are read: what is wrong with the file as a whole, and where */
export async function readCsv(text: AsyncGenerator<string>, given: string | undefined): Promise<ImportFile> {
  const { head, whole } = await peek(text);
  const options = {
    delimiter: given ?? delimiterOf(head),
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_ROW,
  };
  const parser = parse(options);
  pipeline(Readable.from(whole), parser, () => {});
  const rows = parser[Symbol.asyncIterator]() as AsyncIterator<{ record: string[]; info: Info }>;
  const first = await nextRow(rows);
  if (!first) throw invalidField('', 'The file is empty: its first line has the names of the columns.');
  const columns = first.record.map((name) => name.trim());
  checkColumns(columns);
  return { columns, records: csvRecords(rows, columns) };
}

async function* csvRecords(
  rows: AsyncIterator<{ record: string[]; info: Info }>,
  columns: string[],
): AsyncGenerator<ImportRecord> {
  for (let row = await nextRow(rows); row; row = await nextRow(rows)) {
    const { record, info } = row;
    const line = info.lines - record.reduce((sum, cell) => sum + (cell.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
    if (record.every((cell) => cell.trim() === '')) continue;
    const cells = Object.fromEntries(columns.map((name, i) => [name, record[i] ?? '']));
    yield record.length === columns.length
      ? { line, cells }
      : { line, cells, problem: `The row has ${record.length} cells, the header has ${columns.length}.` };
  }
}

/** One JSON object on each line. */
export function readLines(text: AsyncGenerator<string>): ImportFile {
  return { columns: null, records: lineRecords(text) };
}

async function* lineRecords(text: AsyncGenerator<string>): AsyncGenerator<ImportRecord> {
  let rest = '';
  let line = 0;
  const record = (json: string): ImportRecord[] => {
    line += 1;
    if (json.length > LONGEST_ROW) throw tooLong(line);
    return json.trim() === '' ? [] : [jsonRecord(line, json)];
  };
  for await (const chunk of text) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() as string;
    for (const one of lines) yield* record(one);
    if (rest.length > LONGEST_ROW) throw tooLong(line + 1);
  }
  yield* record(rest);
}

/** An array of objects. */
export async function readArray(text: AsyncGenerator<string>): Promise<ImportFile> {
  let json = '';
  for await (const chunk of text) {
    json += chunk;
    if (json.length > LARGEST_ARRAY)
      throw invalidField(
        '',
        `A JSON array may have ${LARGEST_ARRAY} characters. Send one object on each line as application/x-ndjson.`,
      );
  }
  const entries = parsed(json);
  if (!Array.isArray(entries))
    throw invalidField('', 'Send a JSON array of contacts, or CSV, or one JSON object on each line.');
  return { columns: null, records: arrayRecords(entries) };
}

async function* arrayRecords(entries: unknown[]): AsyncGenerator<ImportRecord> {
  for (const [i, entry] of entries.entries()) yield asRecord(i + 1, entry);
}

function jsonRecord(line: number, json: string): ImportRecord {
  try {
    return asRecord(line, JSON.parse(json));
  } catch {
    return { line, cells: {}, problem: 'The line is not JSON.' };
  }
}

function asRecord(line: number, value: unknown): ImportRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { line, cells: value as Record<string, unknown> }
    : { line, cells: {}, problem: 'A contact is a JSON object.' };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw invalidField('', 'The body is not JSON.');
  }
}

async function nextRow<Row>(rows: AsyncIterator<Row>): Promise<Row | null> {
  try {
    const { value, done } = await rows.next();
    return done ? null : value;
  } catch (error) {
    throw error instanceof CsvError ? invalidField('', wordsOf(error)) : error;
  }
}

function wordsOf(error: CsvError): string {
  const line = Number(error.lines ?? 1);
  switch (error.code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return `A quote is never closed: its row goes on to the end of the file in line ${line}.`;
    case 'CSV_MAX_RECORD_SIZE':
      return tooLong(line).message;
    default:
      return `The file is no CSV near line ${line}: a quote stands inside of a cell. Cells with quotes are quoted, and quotes in them doubled.`;
  }
}

const tooLong = (line: number) =>
  invalidField('', `The row near line ${line} has more than ${LONGEST_ROW} characters. Is a quote not closed?`);

function checkColumns(columns: string[]): void {
  if (columns.length > MOST_COLUMNS)
    throw invalidField('', `The file has ${columns.length} columns; it may have ${MOST_COLUMNS}.`);
  const twice = columns.find((name, i) => name !== '' && columns.indexOf(name) !== i);
  if (twice !== undefined) throw invalidField('', `Two columns are called "${twice.slice(0, 80)}".`);
}

/** The beginning, as far as the first line goes, and the whole again. */
async function peek(text: AsyncGenerator<string>): Promise<{ head: string; whole: AsyncGenerator<string> }> {
  let head = '';
  while (head.length < LONGEST_HEADER && !/\n/.test(head)) {
    const { value, done } = await text.next();
    if (done) break;
    head += value;
  }
  const begin = head;
  async function* whole() {
    yield begin;
    yield* text;
  }
  return { head: begin.split('\n', 1)[0] as string, whole: whole() };
}

/** Whichever the header has most of, outside of quotes. */
function delimiterOf(header: string): string {
  const bare = header.replace(/"[^"]*"/g, '');
  const counted = DELIMITERS.map((delimiter) => ({ delimiter, count: bare.split(delimiter).length }));
  return counted.reduce((most, one) => (one.count > most.count ? one : most)).delimiter;
}
