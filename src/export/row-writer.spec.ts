import { expect, it } from 'vitest';
import { chooseColumns, type ExportColumn } from './export-column.js';
import { csvWriter, jsonWriter, ndjsonWriter, type RowWriter } from './row-writer.js';

const COLUMNS: ExportColumn[] = [
  { name: 'id', sql: '', kind: 'text' },
  { name: 'optInWeb', path: 'optIns.web', sql: '', kind: 'boolean' },
  { name: 'optInMail', path: 'optIns.mail', sql: '', kind: 'boolean' },
  { name: 'since', path: 'times.since', sql: '', kind: 'time' },
  { name: 'count', sql: '', kind: 'number' },
  { name: 'data', sql: '', kind: 'json' },
];
const ROWS = [
  ['a "b"\u2028', 'true', null, '2026-01-01T00:00:00.000Z', '5', '{\r\n"x": [1]}'],
  ['=1+1', 'false', 'true', null, null, null],
];
const OBJECTS = [
  {
    id: 'a "b"\u2028',
    optIns: { web: true, mail: null },
    times: { since: '2026-01-01T00:00:00.000Z' },
    count: 5,
    data: { x: [1] },
  },
  { id: '=1+1', optIns: { web: false, mail: true }, times: { since: null }, count: null, data: null },
];

/** In pieces of so many rows. */
function written(writer: RowWriter, rows: (string | null)[][], atOnce: number): string {
  let text = writer.head;
  for (let i = 0; i < rows.length; i += atOnce)
    text += writer.rows(structuredClone(rows.slice(i, i + atOnce)), i === 0);
  return text + writer.tail(rows.length);
}

it.each([1, 2])('JSON nests what has a path, and is whole in pieces of %i', (atOnce) => {
  const text = written(jsonWriter(COLUMNS, { success: true }, 'users'), ROWS, atOnce);
  expect(JSON.parse(text)).toEqual({ success: true, users: OBJECTS, count: 2 });
  expect(Object.keys(JSON.parse(text).users[0])).toEqual(['id', 'optIns', 'times', 'count', 'data']);
});

it('JSON without rows, facts or columns is JSON, too', () => {
  expect(JSON.parse(written(jsonWriter(COLUMNS, {}, 'data'), [], 1))).toEqual({ data: [], count: 0 });
  expect(JSON.parse(written(jsonWriter([], {}, 'data'), [[]], 1))).toEqual({ data: [{}], count: 1 });
});

it('NDJSON has a line for each row, whatever is in it', () => {
  const lines = written(ndjsonWriter(COLUMNS), ROWS, 1).split('\n');
  expect(lines.pop()).toBe('');
  expect(lines.map((line) => JSON.parse(line))).toEqual(OBJECTS);
});

it('CSV quotes what must be quoted and neutralises texts only', () => {
  expect(written(csvWriter(COLUMNS, { bom: true }), ROWS, 1)).toBe(
    '\uFEFFid,optInWeb,optInMail,since,count,data\r\n' +
      '"a ""b""\u2028",true,,2026-01-01T00:00:00.000Z,5,"{\r\n""x"": [1]}"\r\n' +
      `'=1+1,false,true,,,\r\n`,
  );
});

it('columns are chosen by name, path or what they stand under; JSON keeps its own order', () => {
  const names = (format: 'csv' | 'json', fields: string[]) =>
    chooseColumns(COLUMNS, format, fields, '/fields').map(({ name }) => name);
  expect(names('csv', ['count', 'optIns', 'id', 'count'])).toEqual(['count', 'optInWeb', 'optInMail', 'id']);
  expect(names('json', ['count', 'optIns.mail', 'id', 'optInWeb'])).toEqual(['id', 'optInWeb', 'optInMail', 'count']);
  expect(() => names('csv', ['optI'])).toThrow('There is no field "optI" in csv here. There are: id, optInWeb');
});
