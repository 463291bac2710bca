import { Injectable } from '@nestjs/common';
import { AppError } from '../core/errors.js';
import { TenantSettings } from '../tenants/tenant-settings.js';
import { type ContactInput, checkContact } from './contact-checker.js';
import type { ImportOptions } from './contact-import.dto.js';
import { ContactImportStore, type RowError, type StagedRow } from './contact-import.store.js';
import { rowErrors } from './contact-importer.js';
import { CustomFieldStore } from './custom-field.store.js';
import { type ColumnPlan, customFieldsOf, inputOf, planColumns, RowProblem } from './import-columns.js';
import type { ImportFile, ImportRecord } from './import-reader.js';

const ROWS_AT_ONCE = 500;

export interface Staged {
  rows: number;
  failed: number;
  columns: Record<string, string>;
  ignored: string[];
}

/** Checks the rows of a file as they arrive: good ones are put aside for the job, of the others what is wrong with them. */
@Injectable()
export class ImportStager {
  constructor(
    private readonly store: ContactImportStore,
    private readonly customFields: CustomFieldStore,
    private readonly settings: TenantSettings,
  ) {}

  /** @throws AppError invalid_request: the file as a whole cannot be taken */
  async stage(tenantId: string, importId: string, file: ImportFile, options: ImportOptions): Promise<Staged> {
    const { defaultCountry } = await this.settings.get(tenantId);
    const plan = file.columns && (await this.planOf(tenantId, file.columns, options));
    const staged: Staged = {
      rows: 0,
      failed: 0,
      columns: Object.fromEntries(plan?.fields ?? []),
      ignored: plan?.ignored ?? [],
    };
    const good: StagedRow[] = [];
    const bad: RowError[] = [];
    const flush = async () => {
      await this.store.stage(tenantId, importId, good.splice(0));
      await this.store.recordErrors(tenantId, importId, bad.splice(0));
    };
    for await (const record of file.records) {
      const checked = check(record, plan, options, defaultCountry);
      staged.rows += 1;
      if ('contact' in checked) good.push(checked);
      else {
        staged.failed += 1;
        bad.push(...checked.errors);
      }
      if (good.length + bad.length >= ROWS_AT_ONCE) await flush();
    }
    await flush();
    return staged;
  }

  private async planOf(tenantId: string, columns: string[], options: ImportOptions): Promise<ColumnPlan> {
    const plan = planColumns(columns, options.mapping);
    if (![...plan.fields.values()].includes(options.matchBy)) {
      throw new AppError('invalid_request', {
        detail: `No column is taken for ${options.matchBy}, by which contacts are found. There are ${columns.slice(0, 20).join(', ').slice(0, 500)}: give a mapping or another matchBy.`,
      });
    }
    const names = customFieldsOf(plan);
    const known = await this.store.inTransaction((tx) => this.customFields.named(tx, tenantId, names));
    const unknown = names.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new AppError('invalid_request', {
        detail: `There is no custom field ${unknown.map((name) => `"${name}"`).join(', ')}. Define it with POST /api/v1/custom-fields, or map its column to null.`,
      });
    }
    return plan;
  }
}

function check(
  { line, cells, problem }: ImportRecord,
  plan: ColumnPlan | null,
  { matchBy, mapping }: ImportOptions,
  country: string | null,
): StagedRow | { errors: RowError[] } {
  const wrong = (field: string, message: string) => ({ errors: [{ line, field, message }] });
  if (problem !== undefined) return wrong('', problem);
  try {
    const contact: ContactInput = plan ? inputOf(cells, plan) : jsonInput(cells, mapping);
    const matchKey = checkContact(contact, country)[matchBy];
    if (!matchKey) return wrong(matchBy, 'is empty: contacts are found by it.');
    return { line, matchKey, contact };
  } catch (error) {
    if (error instanceof RowProblem) return wrong(error.field, error.message);
    if (error instanceof AppError) return { errors: rowErrors(line, error) };
    throw error;
  }
}

/** JSON as the API has it, with nested `customFields` and `optIns`, or as flat as a row of CSV. */
function jsonInput(cells: Record<string, unknown>, mapping: Record<string, string | null>): ContactInput {
  const { customFields, optIns, exportConsent, ...flat } = cells;
  const all: Record<string, unknown> = { ...flat };
  for (const [name, value] of entriesOf(customFields)) all[`customField.${name}`] = value;
  for (const [name, value] of entriesOf(optIns)) all[`optIn_${name}`] = value;
  if (exportConsent !== undefined) all.exportConsent = isObject(exportConsent) ? exportConsent.given : exportConsent;
  const here = Object.fromEntries(Object.entries(mapping).filter(([column]) => Object.hasOwn(all, column)));
  return inputOf(all, planColumns(Object.keys(all), here));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function entriesOf(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : [];
}
