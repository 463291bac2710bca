import { Injectable, type Type } from '@nestjs/common';
import { BackgroundJobService } from '../background-jobs/background-job.service.js';
import { Clock } from '../core/clock.js';
import { AppError, invalidField, notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { dtoPipe } from '../http/validation.pipe.js';
import { actorOf } from '../tenants/audit-log.js';
import type { Principal } from '../tenants/principal.js';
import { type CreateExport, type ExportQuery, type ExportView, presentExport, statusOf } from './export.dto.js';
import { type Export, ExportStore } from './export.store.js';
import type { FileParameters } from './export-file-writer.js';
import {
  AttemptExportFilter,
  ContactExportFilter,
  DeliveryExportFilter,
  EventExportFilter,
  InboundEventExportFilter,
} from './export-filters.dto.js';
import { type Asker, ExportRecorder } from './export-recorder.js';
import { ExportSelector } from './export-selector.js';
import type { ExportedResource } from './row-source.js';

const FILTERS: Record<ExportedResource, Type<object>> = {
  contacts: ContactExportFilter,
  events: EventExportFilter,
  deliveries: DeliveryExportFilter,
  attempts: AttemptExportFilter,
  'inbound-events': InboundEventExportFilter,
};

/** Exports into files, and the record of all. */
@Injectable()
export class ExportService {
  constructor(
    private readonly store: ExportStore,
    private readonly selector: ExportSelector,
    private readonly recorder: ExportRecorder,
    private readonly jobs: BackgroundJobService,
    private readonly clock: Clock,
  ) {}

  /** Takes the order; a worker writes the file. */
  async create(
    asker: Asker,
    { resource, format, filters = {}, fields, bom = false }: CreateExport,
  ): Promise<ExportView> {
    const { principal } = asker;
    const { tenantId } = principal;
    this.selector.checkAccess(principal, resource);
    if (bom && format !== 'csv') throw invalidField('/bom', 'Only CSV can begin with a byte order mark.');
    const metatype = FILTERS[resource];
    const checked: object = await dtoPipe('/filters').transform(filters, { type: 'body', metatype });
    const wanted = { resource, format, filters: checked, fields };
    const pointers = { fields: '/fields', filter: (name: string) => `/filters/${name}` };
    const { columns } = await this.selector.select(tenantId, wanted, pointers);
    const names = columns.map((column) => column.name);
    const record = await this.recorder.begin('file', asker, wanted, names);
    const parameters: FileParameters = { exportId: record.id, bom };
    const { name: createdBy } = actorOf(principal);
    const job = await this.jobs.create(tenantId, { kind: 'exports.write', parameters, total: null, createdBy });
    await this.store.setJob(tenantId, record.id, job.id);
    return this.present({ ...record, jobId: job.id });
  }

  async list(tenantId: string, { resource, kind, status, ...query }: ExportQuery): Promise<Page<ExportView>> {
    const filter = { resource, kind, status };
    const rows = await this.store.list(tenantId, filter, cursorId(query), query.limit + 1, this.clock.now());
    return pageOf(rows, query.limit, (row) => this.present(row));
  }

  async get(tenantId: string, id: string): Promise<ExportView> {
    return this.present(await this.getRow(tenantId, id));
  }

  /** What a file has so far goes with it. One that has ended stays as it is. */
  async cancel(principal: Principal, id: string): Promise<ExportView> {
    const { tenantId } = principal;
    const row = await this.getRow(tenantId, id);
    if (row.actorId !== principal.id && !principal.scopes.has('admin')) {
      throw new AppError('forbidden', {
        detail: `The export was asked for by ${row.actorName}: only they and administrators may cancel it.`,
      });
    }
    if (row.kind === 'stream') {
      throw new AppError('conflict', {
        detail: 'The export is the answer to a request: it ends when that client closes its connection.',
      });
    }
    // The job first: one that finds its export ended counts as done.
    if (row.jobId) await this.jobs.cancel(tenantId, row.jobId);
    await this.recorder.end(row, { status: 'cancelled', error: `Cancelled by ${actorOf(principal).name}.` });
    return this.get(tenantId, id);
  }

  /** The record of a file that can be had now. */
  async getFile(principal: Principal, id: string): Promise<Export> {
    const row = await this.getRow(principal.tenantId, id);
    this.selector.checkAccess(principal, row.resource as ExportedResource);
    const status = statusOf(row, this.clock.now());
    if (row.kind === 'stream' || status === 'failed' || status === 'cancelled' || status === 'interrupted') {
      const why = row.kind === 'stream' ? 'it was sent as the answer to a request' : `it is ${status}`;
      throw new AppError('not_found', { detail: `Export ${id} has no file: ${why}.` });
    }
    if (status === 'expired') {
      throw new AppError('gone', {
        detail: `The file was kept until ${row.expiresAt?.toISOString()}. Ask for the export again.`,
      });
    }
    if (status !== 'succeeded') {
      throw new AppError('conflict', {
        detail: `The file is not ready: ${row.rowCount} of ${row.total ?? '?'} rows are written. GET /api/v1/exports/${id} says how far it is.`,
        headers: { 'retry-after': '5' },
      });
    }
    return row;
  }

  private async getRow(tenantId: string, id: string): Promise<Export> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('export', id);
    return row;
  }

  private present(row: Export): ExportView {
    return presentExport(row, this.clock.now());
  }
}
