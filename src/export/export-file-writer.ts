import { createHash, type Hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { JobProgress, JobStep, JobWork } from '../background-jobs/job-work.js';
import { Config } from '../config/env.js';
import { Clock } from '../core/clock.js';
import { AppError } from '../core/errors.js';
import { type Export, ExportStore } from './export.store.js';
import type { ExportFormat } from './export-column.js';
import { ExportFileStore } from './export-file.store.js';
import { ExportRecorder } from './export-recorder.js';
import { ExportRowsStore, type RowSelection } from './export-rows.store.js';
import { ExportSelector } from './export-selector.js';
import { cellsOf, lastKey } from './row-cells.js';
import type { ExportedResource } from './row-source.js';
import { csvWriter, jsonWriter, ndjsonWriter, type RowWriter } from './row-writer.js';

export interface FileParameters {
  exportId: string;
  /** CSV begins with a byte order mark. */
  bom: boolean;
}

/** A step ends with the batch of rows that makes its piece so long, */
const PIECE_BYTES = 1024 * 1024;
/** or with this one: told that it needs only so many, Postgres walks the index and does not sort all that are left. */
const BATCHES_IN_A_STEP = 20;
/** More files than a process makes at once. */
const MAX_HASHES = 8;

/** A piece of a file in the making. */
interface Piece {
  text: string;
  rowCount: number;
  cursor: readonly string[];
  last: boolean;
}

/** The job behind `POST /api/v1/exports`: writes the file piece by piece, each committed with how far the file is. */
@Injectable()
export class ExportFileWriter implements JobWork {
  readonly kind = 'exports.write';
  /** SHA-256 of files in the making: a hash cannot be stored half-way, so another process reads what is there once more. */
  private readonly hashes = new Map<string, { hash: Hash; byteCount: number }>();

  constructor(
    private readonly store: ExportStore,
    private readonly files: ExportFileStore,
    private readonly rows: ExportRowsStore,
    private readonly selector: ExportSelector,
    private readonly recorder: ExportRecorder,
    private readonly clock: Clock,
    private readonly config: Config,
  ) {}

  async step({ tenantId, parameters, cursor }: JobStep): Promise<JobProgress> {
    const { exportId, bom } = parameters as FileParameters;
    const record = await this.store.find(tenantId, exportId);
    if (!record || record.finishedAt) return { done: 0, failed: 0, cursor, finished: true };
    try {
      return await this.goOn(record, bom);
    } catch (error) {
      const words =
        error instanceof AppError
          ? error.message
          : `It failed for a reason on our side (${(error as Error).name}). Ask for it again.`;
      await this.recorder.end(record, { status: 'failed', error: words });
      if (error instanceof AppError) return { done: 0, failed: 0, cursor, finished: true, result: { error: words } };
      throw error;
    }
  }

  private async goOn(record: Export, bom: boolean): Promise<JobProgress> {
    const { tenantId, id } = record;
    const selection = await this.selectionOf(record);
    if (record.status === 'queued') {
      await this.store.begin(tenantId, id, await this.rows.count(selection, { upToId: id }));
    }
    const start = Number(record.byteCount);
    const piece = await this.nextPiece(record, selection, writerOf(record, selection, bom));
    const bytes = Buffer.from(piece.text);
    const hash = (await this.hashSoFar(record, start)).update(bytes);
    const rowCount = record.rowCount + piece.rowCount;
    const at = this.clock.now();
    const sha256 = hash.copy().digest();
    const end = piece.last ? { sha256, at, expiresAt: new Date(at.getTime() + this.config.export.keptMs) } : null;
    const { cursor } = piece;
    const ours = await this.files.append(
      tenantId,
      id,
      { bytes, start, rowCount, cursor, end },
      this.recorder.aliveUntil(),
    );
    const byteCount = start + bytes.length;
    // Another process went on with it, or it was cancelled: the next step sees.
    if (!ours) this.hashes.delete(id);
    else if (end) {
      this.hashes.delete(id);
      await this.recorder.logEnd(record, { status: 'succeeded', error: null, rowCount, byteCount, sha256 });
    } else this.hashes.set(id, { hash, byteCount });
    return {
      done: ours ? piece.rowCount : 0,
      failed: 0,
      cursor: String(byteCount),
      finished: ours && piece.last,
      ...(ours && end && { result: { exportId: id, rows: rowCount, bytes: byteCount } }),
    };
  }

  /** Rows from where the file ends, until they are a piece; with what begins the file before them and what ends it behind. */
  private async nextPiece(record: Export, selection: RowSelection, writer: RowWriter): Promise<Piece> {
    const piece: Piece = { text: '', rowCount: 0, cursor: record.cursor, last: false };
    if (record.byteCount === 0n) piece.text = writer.head;
    const { rowsAtOnce } = selection.source;
    const limit = rowsAtOnce * BATCHES_IN_A_STEP;
    const cursor = await this.rows.open(selection, { after: record.cursor, upToId: record.id, limit });
    for await (const rows of cursor.batches(rowsAtOnce)) {
      piece.cursor = lastKey(selection, rows);
      piece.text += writer.rows(cellsOf(selection, rows), record.rowCount + piece.rowCount === 0);
      piece.rowCount += rows.length;
      if (piece.text.length >= PIECE_BYTES || piece.rowCount === limit) return piece;
    }
    piece.text += writer.tail(record.rowCount + piece.rowCount);
    return { ...piece, last: true };
  }

  private selectionOf(record: Export): Promise<RowSelection> {
    const { tenantId, filters, fields } = record;
    const wanted = {
      resource: record.resource as ExportedResource,
      format: record.format as ExportFormat,
      filters: filters as object,
      fields,
    };
    return this.selector.select(tenantId, wanted, { fields: '/fields', filter: (name) => `/filters/${name}` });
  }

  private async hashSoFar({ tenantId, id }: Export, byteCount: number): Promise<Hash> {
    const known = this.hashes.get(id);
    if (known?.byteCount === byteCount) return known.hash;
    if (this.hashes.size >= MAX_HASHES) this.hashes.clear();
    const hash = createHash('sha256');
    for await (const bytes of this.files.read(tenantId, id, 0, byteCount)) hash.update(bytes);
    return hash;
  }
}

function writerOf(record: Export, { columns }: RowSelection, bom: boolean): RowWriter {
  if (record.format === 'csv') return csvWriter(columns, { bom });
  if (record.format === 'ndjson') return ndjsonWriter(columns);
  const { id: exportId, resource, filters, createdAt: exportedAt } = record;
  return jsonWriter(columns, { exportId, resource, exportedAt, filters }, 'data');
}
