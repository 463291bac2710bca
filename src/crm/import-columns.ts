import { AppError, type FieldError } from '../core/errors.js';
import type { ContactInput } from './contact-checker.js';
import { OPT_IN, PLAIN_FIELDS, PLATFORMS, type PlainField, type Platform } from './contact-patch.js';

const CUSTOM = 'customField.';
const OPT_INS = Object.fromEntries(PLATFORMS.map((platform) => [OPT_IN[platform] as string, platform])) as Record<
  string,
  Platform
>;
const OTHERS = ['tags', 'exportConsent', ...Object.keys(OPT_INS)];

/** What columns are taken for which fields. */
export interface ColumnPlan {
  /** Field by column: `firstName`, `tags`, `exportConsent`, `optInWhatsapp`, `customField.favorite_drink`. */
  fields: Map<string, string>;
  ignored: string[];
}

/** A row that cannot become a contact: which field, and what of it. */
export class RowProblem extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * @param mapping by column: its field, or null to leave it out; the others are known by their names (`First name`, `first_name`)
 * @throws AppError invalid_request: a field that there is not, a column that there is not, two columns for one field
 */
export function planColumns(columns: readonly string[], mapping: Record<string, string | null>): ColumnPlan {
  const errors: FieldError[] = [];
  const pointer = (column: string) => `/mapping/${column.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  for (const column of Object.keys(mapping)) {
    if (!columns.includes(column)) errors.push({ pointer: pointer(column), detail: `There is no column "${column}".` });
  }
  const fields = new Map<string, string>();
  const ignored: string[] = [];
  for (const column of columns) {
    const given = Object.hasOwn(mapping, column) ? mapping[column] : undefined;
    const field = given === undefined ? fieldNamed(column) : given === null ? null : fieldNamed(given);
    if (field === null && given) {
      const detail = `"${given}" is not a field: give ${[...PLAIN_FIELDS, ...OTHERS].join(', ')} or customField.<name>.`;
      errors.push({ pointer: pointer(column), detail });
    } else if (field === null) ignored.push(column);
    else if ([...fields.values()].includes(field))
      errors.push({ pointer: pointer(column), detail: `Two columns are taken for ${field}: map one of them to null.` });
    else fields.set(column, field);
  }
  if (errors.length > 0)
    throw new AppError('invalid_request', { detail: errors.map(({ detail }) => detail).join(' '), errors });
  return { fields, ignored };
}

/** The names of custom fields that a plan speaks of. */
export function customFieldsOf({ fields }: ColumnPlan): string[] {
  return [...fields.values()].filter((field) => field.startsWith(CUSTOM)).map((field) => field.slice(CUSTOM.length));
}

function fieldNamed(name: string): string | null {
  const custom = /^custom[ _.-]?fields?[.:](.+)$/i.exec(name.trim());
  if (custom) return CUSTOM + (custom[1] as string).trim();
  const plain = (text: string) => text.toLowerCase().replace(/[\s_-]/g, '');
  return [...PLAIN_FIELDS, ...OTHERS].find((field) => plain(field) === plain(name)) ?? null;
}

/**
 * What a row says of a contact; an empty cell says nothing.
 * @throws RowProblem
 */
export function inputOf(cells: Record<string, unknown>, { fields }: ColumnPlan): ContactInput {
  const input: ContactInput = {};
  for (const [column, field] of fields) {
    const cell = cells[column];
    if (cell === undefined || cell === null || cell === '') continue;
    if (field.startsWith(CUSTOM)) {
      input.customFields = { ...input.customFields, [field.slice(CUSTOM.length)]: scalarOf(cell, field) };
    } else if (field === 'tags') input.tags = tagsOf(cell);
    else if (field === 'exportConsent') input.exportConsent = { given: flagOf(cell, field) };
    else if (field in OPT_INS) input.optIns = { ...input.optIns, [OPT_INS[field] as Platform]: flagOf(cell, field) };
    else input[field as PlainField] = String(scalarOf(cell, field));
  }
  return input;
}

function scalarOf(cell: unknown, field: string): string | number | boolean {
  if (typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'boolean') return cell;
  throw new RowProblem(field, 'must be one value, not a list or an object.');
}

/** `vip, newsletter`: names in one cell are kept apart by commas, semicolons or bars. */
function tagsOf(cell: unknown): string[] {
  const names = Array.isArray(cell) ? cell : String(scalarOf(cell, 'tags')).split(/[,;|]/);
  if (!names.every((name) => typeof name === 'string')) throw new RowProblem('tags', 'must be a list of names.');
  return [...new Set((names as string[]).map((name) => name.trim()).filter((name) => name !== ''))];
}

const YES = ['true', 'yes', 'y', '1', 'sim', 's', 'sí', 'si', 'x'];
const NO = ['false', 'no', 'n', '0', 'não', 'nao'];

function flagOf(cell: unknown, field: string): boolean {
  const word = String(scalarOf(cell, field)).trim().toLowerCase();
  if (YES.includes(word)) return true;
  if (NO.includes(word)) return false;
  throw new RowProblem(field, `"${word.slice(0, 80)}" must be yes or no.`);
}
