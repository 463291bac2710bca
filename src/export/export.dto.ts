import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsBoolean, IsIn, IsObject, IsOptional, IsString } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import type { Export } from './export.store.js';
import { type ExportFormat, FORMATS } from './export-column.js';
import { type ExportedResource, RESOURCES } from './row-source.js';

const STATUSES = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'cancelled',
  'aborted',
  'interrupted',
  'expired',
] as const;
type Status = (typeof STATUSES)[number];
const KINDS = ['stream', 'file'] as const;

/** What to export into a file. */
export class CreateExport {
  @IsIn(RESOURCES)
  resource: ExportedResource;

  @IsIn(FORMATS)
  format: ExportFormat;

  /**
   * Which rows; all when absent. contacts: `createdAfter`, `createdBefore`, `updatedAfter`, `hasTag`, `customField`, `optedIn`,
   * `search`, `exportConsentOnly`; events: `type`; deliveries: `subscriptionId`, `eventId`, `eventType`, `status`; attempts:
   * `subscriptionId`, `deliveryId`, `eventType`, `outcome`; inbound-events: `source`, `eventName`, `status`; all but contacts: `since`,
   * `until`.
   */
  @IsOptional()
  @IsObject()
  filters?: Record<string, unknown>;

  /** Columns by name, in the order CSV is to have them; all when absent. `bookings`, `qrCodes`, `interactionHistory` and `conversations` of contacts are there when they are named, in JSON. */
  @MayBeAbsent()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  fields?: string[];

  /** CSV begins with a byte order mark, by which spreadsheets know UTF-8. */
  @MayBeAbsent()
  @IsBoolean()
  bom?: boolean;
}

export class ExportQuery extends PageQuery {
  @MayBeAbsent()
  @IsIn(RESOURCES)
  resource?: ExportedResource;

  @MayBeAbsent()
  @IsIn(KINDS)
  kind?: (typeof KINDS)[number];

  @MayBeAbsent()
  @IsIn(STATUSES)
  status?: Status;
}

export class ExportActor {
  /** `member` or `api-key`. */
  kind: string;
  id: string;
  name: string;
}

/** Data that left, or is to: who took what, when, and what came of it. */
export class ExportView {
  id: string;
  tenantId: string;
  /** `stream`: the answer to one request; `file`: made in the background and kept for a time. */
  kind: (typeof KINDS)[number];
  resource: string;
  format: string;
  /** Its columns. */
  fields: string[];
  filters: Record<string, unknown>;
  /** `aborted`: the client went away; `interrupted`: the server did; `expired`: its file is no longer kept. */
  status: Status;
  by: ExportActor;
  /** `X-Admin-ID` as it was sent. */
  adminId: string | null;
  ip: string | null;
  /** Rows so far. */
  rows: number;
  /** Rows there were when a file was begun; null for a stream, and before. */
  total: number | null;
  bytes: number;
  /** Of exactly the bytes that were sent, or that the file has; null until it has ended. */
  sha256: string | null;
  /** Why it did not succeed, in words. */
  error: string | null;
  /** The background job that makes the file. */
  jobId: string | null;
  /** Where the file can be had; null when there is none. */
  fileUrl: string | null;
  createdAt: Date;
  finishedAt: Date | null;
  /** When the file goes. */
  expiresAt: Date | null;
}

export function statusOf({ status, expiresAt }: Export, now: Date): Status {
  return status === 'succeeded' && expiresAt && expiresAt <= now ? 'expired' : status;
}

export function presentExport(row: Export, now: Date): ExportView {
  const status = statusOf(row, now);
  return {
    id: row.id,
    tenantId: row.tenantId,
    kind: row.kind as ExportView['kind'],
    resource: row.resource,
    format: row.format,
    fields: row.fields,
    filters: row.filters as Record<string, unknown>,
    status,
    by: { kind: row.actorKind, id: row.actorId, name: row.actorName },
    adminId: row.adminId,
    ip: row.ip,
    rows: row.rowCount,
    total: row.total,
    bytes: Number(row.byteCount),
    sha256: row.sha256 && Buffer.from(row.sha256).toString('hex'),
    error: row.error,
    jobId: row.jobId,
    fileUrl: row.kind === 'file' && status === 'succeeded' ? `/api/v1/exports/${row.id}/file` : null,
    createdAt: row.createdAt,
    finishedAt: row.finishedAt,
    expiresAt: row.expiresAt,
  };
}

/** `contacts-20261127T231500Z.csv` */
export function fileNameOf({ resource, format, createdAt }: Pick<Export, 'resource' | 'format' | 'createdAt'>): string {
  return `${resource}-${createdAt.toISOString().replaceAll(/[-:]|\.\d+/g, '')}.${format}`;
}
