import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import parseRange from 'range-parser';
import { AppError } from '../core/errors.js';
import { AuditLog, actorOf, originOf } from '../tenants/audit-log.js';
import { fileNameOf } from './export.dto.js';
import type { Export } from './export.store.js';
import type { ExportFormat } from './export-column.js';
import { ExportFileStore } from './export-file.store.js';
import type { Asker } from './export-recorder.js';
import { CONTENT_TYPES } from './row-writer.js';

/** The part of a file that is sent; `end` is the first byte that is not. */
interface Part {
  start: number;
  end: number;
}

/** Serves files of exports, whole or the part that is asked for (RFC 9110, sections 13 and 14): what broke off is resumed. */
@Injectable()
export class ExportFileServer {
  constructor(
    private readonly files: ExportFileStore,
    private readonly log: AuditLog,
  ) {}

  async send(row: Export, { principal, request }: Asker, reply: FastifyReply): Promise<void> {
    const size = Number(row.byteCount);
    const sha256 = Buffer.from(row.sha256 ?? []);
    const etag = `"${sha256.toString('hex')}"`;
    const lastModified = (row.finishedAt as Date).toUTCString();
    const { range, 'if-range': condition } = request.headers;
    const unchanged = condition === undefined || condition === etag || condition === lastModified;
    const part = range !== undefined && unchanged ? partOf(size, range) : null;
    const { start, end } = part ?? { start: 0, end: size };
    reply.status(part ? 206 : 200).headers({
      'content-type': CONTENT_TYPES[row.format as ExportFormat],
      'content-length': end - start,
      'content-disposition': `attachment; filename="${fileNameOf(row)}"`,
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-store',
      'last-modified': lastModified,
      'repr-digest': `sha-256=:${sha256.toString('base64')}:`,
      etag,
      ...(part && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
    });
    // A body of nothing at all would be given a length of its own.
    if (request.method === 'HEAD') return void reply.send(Readable.from([]));
    await this.log.record(principal.tenantId, {
      actor: actorOf(principal),
      action: 'export.downloaded',
      targetId: row.id,
      details: { start, end, size },
      ...originOf(request),
    });
    reply.send(Readable.from(this.files.read(principal.tenantId, row.id, start, end), { objectMode: false }));
  }
}

/** One range; null where what was asked for is to be ignored (another unit, or several ranges: the whole is an answer, too). */
function partOf(size: number, header: string): Part | null {
  const ranges = parseRange(size, header);
  if (ranges === -1) {
    throw new AppError('range_not_satisfiable', {
      detail: `The file has ${size} bytes, none of them in the range "${header}".`,
      headers: { 'content-range': `bytes */${size}` },
    });
  }
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return null;
  const [{ start, end }] = ranges as unknown as [{ start: number; end: number }];
  return { start, end: end + 1 };
}
