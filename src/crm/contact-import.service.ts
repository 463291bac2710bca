import { Injectable } from '@nestjs/common';
import { stringify } from 'csv-stringify';
import type { BackgroundJobView } from '../background-jobs/background-job.dto.js';
import { BackgroundJobService } from '../background-jobs/background-job.service.js';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { encodeCursor } from '../core/cursor.js';
import { invalidField, notFound } from '../core/errors.js';
import { isUuid, newId } from '../core/ids.js';
import { cursorId, type Page, type PageQuery, pageOf } from '../http/pagination.dto.js';
import { logger } from '../observability/logger.js';
import type { Principal } from '../tenants/principal.js';
import type { ContactImportErrorView, ContactImportView, ImportOptions } from './contact-import.dto.js';
import { type ContactImport, ContactImportStore } from './contact-import.store.js';
import { IMPORT_JOB } from './contact-importer.js';
import type { ImportFile } from './import-reader.js';
import { readArray, readCsv, readLines } from './import-reader.js';
import { ImportStager } from './import-stager.js';
import { decoded, limited } from './import-text.js';
import type { ImportFormat, Upload } from './import-upload.js';

const ERRORS_AT_ONCE = 1000;

/** Takes files of contacts in: read, checked and put aside while they arrive, written by a job afterwards. */
@Injectable()
export class ContactImportService {
  constructor(
    private readonly store: ContactImportStore,
    private readonly stager: ImportStager,
    private readonly jobs: BackgroundJobService,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  /** Nothing of a file is left that cannot be read to its end. @throws AppError body_too_large, invalid_request */
  async receive(by: Principal, options: ImportOptions, upload: Upload): Promise<ContactImportView> {
    const { tenantId } = by;
    const format = options.format ?? upload.format;
    if (!format) throw invalidField('?format', 'Say what the file is with format=csv, ndjson or json.');
    const now = this.clock.now();
    await this.store.removeLeftBehind(tenantId, now);
    const { dryRun, silent, matchBy, onMatch } = options;
    const id = newId();
    await this.store.create({ id, tenantId, format, dryRun, silent, matchBy, onMatch, actorId: by.id, createdAt: now });
    try {
      let bytes = 0;
      const chunks = limited(upload.chunks, this.config.imports.limitBytes, (count) => {
        bytes = count;
      });
      const file = await fileOf(format, decoded(chunks, options.encoding), options.delimiter);
      const { rows, failed, columns, ignored } = await this.stager.stage(tenantId, id, file, options);
      if (rows === 0) throw invalidField('', 'The file has no rows.');
      await this.store.inTransaction(async (tx) => {
        const job = { kind: IMPORT_JOB, parameters: { importId: id }, total: rows - failed, createdBy: by.name };
        const { id: jobId } = await this.jobs.create(tenantId, job, tx);
        await this.store.update(tx, tenantId, id, { jobId, bytes, rows, failed, columns, ignoredColumns: ignored });
      });
      logger.info({ tenantId, importId: id, format, bytes, rows, failed }, 'import received');
    } catch (error) {
      await this.store.delete(tenantId, id);
      throw error;
    }
    return this.get(tenantId, id);
  }

  async get(tenantId: string, id: string): Promise<ContactImportView> {
    const row = await this.find(tenantId, id);
    return present(row, await this.jobs.get(tenantId, row.jobId as string));
  }

  async list(tenantId: string, query: PageQuery): Promise<Page<ContactImportView>> {
    const rows = await this.store.list(tenantId, cursorId(query), query.limit + 1);
    const page = pageOf(rows, query.limit, (row) => row);
    const data = await Promise.all(
      page.data.map(async (row) => present(row, await this.jobs.get(tenantId, row.jobId as string))),
    );
    return { data, nextCursor: page.nextCursor };
  }

  /** In the order in which they were found: what could not be read first. */
  async listErrors(tenantId: string, id: string, query: PageQuery): Promise<Page<ContactImportErrorView>> {
    await this.find(tenantId, id);
    const rows = await this.store.listErrors(tenantId, id, cursorId(query), query.limit + 1);
    const page = rows.slice(0, query.limit);
    const last = page.at(-1);
    return {
      data: page.map(({ line, field, message }) => ({ line, field, message })),
      nextCursor: rows.length > query.limit && last ? encodeCursor(last.id) : null,
    };
  }

  /** All of them, as CSV. Cells that a spreadsheet would take for a formula are made plain text. */
  async errorsAsCsv(tenantId: string, id: string) {
    await this.find(tenantId, id);
    const csv = stringify({ header: true, columns: ['line', 'field', 'message'], escape_formulas: true });
    void this.writeErrors(tenantId, id, csv).catch((error: Error) => csv.destroy(error));
    return csv;
  }

  private async writeErrors(tenantId: string, id: string, csv: ReturnType<typeof stringify>): Promise<void> {
    for (let afterId: string | undefined; ; ) {
      const rows = await this.store.listErrors(tenantId, id, afterId, ERRORS_AT_ONCE);
      for (const row of rows) {
        if (!csv.write(row)) await new Promise((resolve) => csv.once('drain', resolve));
      }
      if (rows.length < ERRORS_AT_ONCE) break;
      afterId = rows.at(-1)?.id;
    }
    csv.end();
  }

  private async find(tenantId: string, id: string): Promise<ContactImport> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row?.jobId) throw notFound('import', id);
    return row;
  }
}

async function fileOf(format: ImportFormat, text: AsyncGenerator<string>, delimiter?: string): Promise<ImportFile> {
  switch (format) {
    case 'csv':
      return readCsv(text, delimiter === 'tab' ? '\t' : delimiter);
    case 'ndjson':
      return readLines(text);
    case 'json':
      return readArray(text);
  }
}

function present(row: ContactImport, job: BackgroundJobView): ContactImportView {
  const { tenantId: _tenantId, actorId: _actorId, ...rest } = row;
  const { created, updated, unchanged, skipped, failed } = row;
  const done = created + updated + unchanged + skipped + failed;
  return {
    ...rest,
    status: row.finishedAt ? 'succeeded' : job.status,
    jobId: job.id,
    bytes: Number(row.bytes),
    done,
  } as ContactImportView;
}
