import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/core/ids.js';
import { bigints, integers, smallints, texts, timestamps, uuids } from '../../src/database/array-params.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const ids = Array.from({ length: 3 }, newId);
const times = ['1999-12-31T23:59:59.999Z', '2026-03-01T12:00:00.001Z'].map((time) => new Date(time));

it.each([
  ['uuid', uuids(ids), ids],
  ['text', texts(['', 'a"b\\c,{}', null, 'é 日本 🙂', 'NULL']), ['', 'a"b\\c,{}', null, 'é 日本 🙂', 'NULL']],
  ['smallint', smallints([1, -32_768, null]), [1, -32_768, null]],
  ['int', integers([0, 2 ** 31 - 1]), [0, 2 ** 31 - 1]],
  ['bigint', bigints([0, 2 ** 53 - 1]), ['0', '9007199254740991']],
  ['timestamptz', timestamps([...times, null]), [...times, null]],
  ['text', texts([]), []],
])('Postgres reads a column of %s as it was given', async (type, param, expected) => {
  expect(await database.query(`select $1::${type}[] as values`, [param])).toEqual([{ values: expected }]);
});
