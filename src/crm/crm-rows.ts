import { isDeepStrictEqual } from 'node:util';
import { AppError, notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { isUniqueViolation } from '../database/prisma.service.js';
import type { Changes } from './domain-change.js';

/** The row, or the refusal that it does not exist; what another tenant owns does not exist either. */
export function found<Row>(row: Row | null, kind: string, id: string): Row {
  if (row === null) throw notFound(kind, id);
  return row;
}

/** A field of the request names a row that the tenant does not have. */
export function missingReference(pointer: string, kind: string, id: string): AppError {
  const detail = `There is no ${kind} with the id "${id}" in this tenant.`;
  return new AppError('not_found', { detail, errors: [{ pointer, detail }] });
}

/** What the request asks for stands against what is stored. `pointer` is empty when no field of it is to blame. */
export function conflicts(pointer: string, detail: string): AppError {
  return new AppError('conflict', { detail, errors: [{ pointer, detail }] });
}

/** The result of a write, or `refusal` when a unique value of it is taken. Nothing more can be done in its transaction then. */
export async function unlessTaken<Result>(write: Promise<Result>, refusal: () => AppError): Promise<Result> {
  try {
    return await write;
  } catch (error) {
    if (isUniqueViolation(error)) throw refusal();
    throw error;
  }
}

/**
 * The row that an outside id names: found, or made when it is not known. Of two transactions that make it one does, and the other
 * waits and finds it.
 * @param find locks it @param make gives null when the id is taken
 */
export async function knownOrMade<Row>(
  find: () => Promise<Row | null>,
  make: () => Promise<Row | null>,
): Promise<{ row: Row; made: boolean }> {
  const known = await find();
  if (known) return { row: known, made: false };
  const made = await make();
  if (made) return { row: made, made: true };
  const theirs = await find();
  if (!theirs) throw conflicts('', 'Somebody made the same at the same time, and took it away again. Try again.');
  return { row: theirs, made: false };
}

/** A column that has a value, or has none; undefined: whichever. */
export function presence(has: boolean | undefined): { not: null } | null | undefined {
  return has === undefined ? undefined : has ? { not: null } : null;
}

/** What is said, without what is not: a spread of it covers nothing up. */
export function withoutUndefined<Values extends object>(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Values;
}

/** Those of the fields that differ, with times as ISO text: as they are told. */
export function changesBetween<Row extends object>(
  before: Row,
  after: Partial<Row>,
  fields: readonly (keyof Row & string)[],
): Changes {
  const changes: Changes = {};
  for (const field of fields) {
    if (after[field] === undefined) continue;
    const [old, now] = [told(before[field]), told(after[field])];
    if (!isDeepStrictEqual(old, now)) changes[field] = { old, new: now };
  }
  return changes;
}

const told = (value: unknown) => (value instanceof Date ? value.toISOString() : value);

/** The id of a route's path, or the refusal: what is no id names no row. */
export function rowId(kind: string, id: string): string {
  if (!isUuid(id)) throw notFound(kind, id);
  return id;
}
