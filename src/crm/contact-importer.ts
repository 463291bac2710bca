import { Injectable } from '@nestjs/common';
import type { JobProgress, JobStep, JobWork } from '../background-jobs/job-work.js';
import { Clock } from '../core/clock.js';
import { AppError } from '../core/errors.js';
import { TenantSettings } from '../tenants/tenant-settings.js';
import { ContactChanger } from './contact-changer.js';
import { type ContactInput, checkContact } from './contact-checker.js';
import {
  type ContactImport,
  type ContactImportRow,
  ContactImportStore,
  type Counts,
  type Outcome,
  type RowError,
  RowsGone,
} from './contact-import.store.js';
import type { ContactKeys } from './contact-patch.js';
import { CrmWriter, type Write } from './crm-writer.js';
import type { DomainChange } from './domain-change.js';

export const IMPORT_JOB = 'contacts.import';
const ROWS_IN_A_STEP = 100;
const NONE: Counts = { created: 0, updated: 0, unchanged: 0, skipped: 0, failed: 0 };

export interface ImportParameters {
  importId: string;
}

/** What became of the rows of a step. */
interface Outcomes {
  counts: Counts;
  errors: RowError[];
}

/** Ends the transaction of a dry run: all was done as it would be, and nothing of it stays. */
class DryRun extends Error {
  constructor(
    readonly rows: ContactImportRow[],
    readonly outcomes: Outcomes,
  ) {
    super('a dry run');
  }
}

/**
 * Writes the rows of an import, a step at a time. A step is one transaction: contacts, their events, what became of each row, and that
 * the rows are done. A worker that dies has done all of a step or nothing, so that no row is written twice.
 */
@Injectable()
export class ContactImporter implements JobWork {
  readonly kind = IMPORT_JOB;

  constructor(
    private readonly store: ContactImportStore,
    private readonly writer: CrmWriter,
    private readonly changer: ContactChanger,
    private readonly settings: TenantSettings,
    private readonly clock: Clock,
  ) {}

  async step({ tenantId, parameters, cursor }: JobStep): Promise<JobProgress> {
    const { importId } = parameters as ImportParameters;
    const found = await this.store.find(tenantId, importId);
    const outcomes = found && (await this.writeRows(found, false));
    if (!outcomes) {
      await this.store.finish(tenantId, importId, this.clock.now());
      return { done: 0, failed: 0, cursor, finished: true };
    }
    const { counts } = outcomes;
    const done = Object.values(counts).reduce((sum, count) => sum + count, 0);
    // Each step has a cursor of its own: by it a worker that lost its lease notices that another one goes on.
    return { done, failed: counts.failed, cursor: String(Number(cursor ?? 0) + 1), finished: false };
  }

  /**
   * @param careful each row can be undone by itself. That costs two statements for each, so it is done only where a row has failed: the
   *   whole step is then undone and done again.
   * @returns null when there are no rows left
   */
  private async writeRows(one: ContactImport, careful: boolean): Promise<Outcomes | null> {
    const { tenantId, id, actorId, dryRun } = one;
    const { defaultCountry } = await this.settings.get(tenantId);
    try {
      return await this.writer.write(tenantId, { source: 'import', hops: null, actorId }, async (write) => {
        await this.store.lock(write.tx, tenantId, id);
        const rows = await this.store.nextRows(write.tx, tenantId, id, ROWS_IN_A_STEP);
        if (rows.length === 0) return null;
        const outcomes = await this.apply(one, rows, write, defaultCountry, careful);
        if (dryRun) throw new DryRun(rows, outcomes);
        await this.store.recordOutcomes(write.tx, tenantId, id, rows, outcomes.counts, outcomes.errors);
        return outcomes;
      });
    } catch (error) {
      if (error instanceof AppError && !careful) return this.writeRows(one, true);
      if (!(error instanceof DryRun)) throw error;
      return this.recordDryRun(one, error);
    }
  }

  /** In a transaction of its own, for that of the rows was undone. */
  private async recordDryRun({ tenantId, id }: ContactImport, { rows, outcomes }: DryRun): Promise<Outcomes> {
    try {
      await this.store.inTransaction((tx) =>
        this.store.recordOutcomes(tx, tenantId, id, rows, outcomes.counts, outcomes.errors),
      );
      return outcomes;
    } catch (error) {
      if (error instanceof RowsGone) return { counts: { ...NONE }, errors: [] };
      throw error;
    }
  }

  private async apply(
    one: ContactImport,
    rows: ContactImportRow[],
    write: Write,
    country: string | null,
    careful: boolean,
  ): Promise<Outcomes> {
    const counts: Counts = { ...NONE };
    const errors: RowError[] = [];
    for (const row of rows) {
      const told: DomainChange[] = [];
      try {
        const rowWrite: Write = { ...write, tell: (change) => told.push(change) };
        const work = () => this.applyRow(one, row, rowWrite, country);
        const outcome = await (careful ? this.store.attempt(write.tx, work) : work());
        counts[outcome] += 1;
        if (!one.silent) for (const change of told) write.tell(change);
      } catch (error) {
        if (!(error instanceof AppError) || !careful) throw error;
        counts.failed += 1;
        errors.push(...rowErrors(row.line, error));
      }
    }
    return { counts, errors };
  }

  private async applyRow(
    { tenantId, matchBy, onMatch }: ContactImport,
    row: ContactImportRow,
    write: Write,
    country: string | null,
  ): Promise<Outcome> {
    const { tags, ...said } = checkContact(row.contact as ContactInput, country);
    // A list names the tags it knows of; those that a contact has besides stay.
    const patch = { ...said, ...(tags?.set && { tags: { add: tags.set } }) };
    const keys: ContactKeys = { [matchBy]: patch[matchBy as keyof ContactKeys] };
    if (onMatch === 'skip' && (await this.changer.findMatch(write.tx, tenantId, keys))) return 'skipped';
    return (await this.changer.upsert(write, tenantId, keys, patch)).outcome;
  }
}

/** One for each field that is wrong; `/customFields/favorite_drink` is the field `customFields.favorite_drink`. */
export function rowErrors(line: number, error: AppError): RowError[] {
  const { errors } = error.details;
  if (!errors || errors.length === 0) return [{ line, field: '', message: error.message }];
  return errors.map(({ pointer, detail }) => ({
    line,
    field: pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~'),
    message: detail,
  }));
}
