import { Injectable } from '@nestjs/common';
import { BulkPool } from '../database/bulk-pool.js';

/** What is added to a file, and what the record says once it is. */
export interface FilePiece {
  bytes: Buffer;
  /** Where it begins: as long as the file was. */
  start: number;
  rowCount: number;
  /** The key of its last row. */
  cursor: readonly string[];
  /** It is the last piece. */
  end: { sha256: Buffer; expiresAt: Date; at: Date } | null;
}

const GROW = `
  update exports
  set byte_count = $4, row_count = $5, cursor = $6, has_file = true, alive_until = $7, status = $8::export_status,
      sha256 = $9, expires_at = $10, finished_at = $11
  where tenant_id = $1 and id = $2 and byte_count = $3 and status = 'running'`;

const CHUNK_AT = `
  select start, bytes from export_chunks where tenant_id = $1 and export_id = $2 and start <= $3 order by start desc limit 1`;

// One export at a time, a few pieces of it: each piece is about a megabyte.
const REMOVE = `
  with needless as (
    select tenant_id, id from exports where has_file and status not in ('queued', 'running', 'succeeded')
    order by expires_at nulls first limit 1 for update skip locked
  ), gone as (
    delete from export_chunks c using needless n
    where c.tenant_id = n.tenant_id and c.export_id = n.id and c.start in (
      select start from export_chunks o where o.tenant_id = n.tenant_id and o.export_id = n.id order by start desc limit $1)
    returning 1
  ), emptied as (
    update exports e set has_file = false from needless n
    where e.tenant_id = n.tenant_id and e.id = n.id and (select count(*) from gone) < $1
  )
  select 1 from needless`;

/** The bytes of exports' files, in pieces. */
@Injectable()
export class ExportFileStore {
  constructor(private readonly bulk: BulkPool) {}

  /**
   * Adds a piece and says so in the record, both or neither. False when the file is not as long as the caller thinks, or the export
   * has ended: another process went on with it, or it was cancelled.
   */
  append(tenantId: string, exportId: string, piece: FilePiece, aliveUntil: Date): Promise<boolean> {
    const { bytes, start, rowCount, cursor, end } = piece;
    return this.bulk.inTransaction(async (run) => {
      const grown = await run({
        text: GROW,
        values: [
          tenantId,
          exportId,
          start,
          start + bytes.length,
          rowCount,
          cursor,
          aliveUntil,
          end ? 'succeeded' : 'running',
          end?.sha256 ?? null,
          end?.expiresAt ?? null,
          end?.at ?? null,
        ],
      });
      if (grown.rowCount !== 1) return false;
      const insert = 'insert into export_chunks (tenant_id, export_id, start, bytes) values ($1, $2, $3, $4)';
      if (bytes.length > 0) await run({ text: insert, values: [tenantId, exportId, start, bytes] });
      return true;
    });
  }

  /** The bytes from `start` to before `end`, piece by piece. */
  async *read(tenantId: string, exportId: string, start: number, end: number): AsyncGenerator<Buffer, void> {
    for (let at = start; at < end; ) {
      const [chunk] = await this.bulk.query<{ start: string; bytes: Buffer }>({
        text: CHUNK_AT,
        values: [tenantId, exportId, at],
      });
      const from = at - Number(chunk?.start);
      const bytes = chunk?.bytes.subarray(from, from + end - at);
      if (!bytes || bytes.length === 0) throw new Error(`the file of export ${exportId} ends at ${at}`);
      yield bytes;
      at += bytes.length;
    }
  }

  /** Removes some pieces of a file that is no longer needed. @returns whether there was one */
  async removeSomeAcrossTenants(limit: number): Promise<boolean> {
    return (await this.bulk.query({ text: REMOVE, values: [limit] })).length > 0;
  }
}
