import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { ContactImport, ContactImportError, ContactImportRow, Prisma } from '../generated/prisma/client.js';
import type { ContactInput } from './contact-checker.js';

export type { ContactImport, ContactImportError, ContactImportRow };

export interface StagedRow {
  line: number;
  matchKey: string;
  contact: ContactInput;
}

export interface RowError {
  line: number;
  field: string;
  message: string;
}

export type Outcome = 'created' | 'updated' | 'unchanged' | 'skipped' | 'failed';
export type Counts = Record<Outcome, number>;

/** Rows were dealt with by another worker meanwhile: what was made of them here is to be undone. */
export class RowsGone extends Error {}

/** Longer than any upload takes: what was begun before that was left by a process that died. */
const LEFT_BEHIND = '1 day';

@Injectable()
export class ContactImportStore {
  constructor(private readonly prisma: PrismaService) {}

  create(row: Prisma.ContactImportUncheckedCreateInput): Promise<ContactImport> {
    return this.prisma.contactImport.create({ data: row });
  }

  find(tenantId: string, id: string): Promise<ContactImport | null> {
    return this.prisma.contactImport.findUnique({ where: { id, tenantId } });
  }

  /** Newest first; those that are being received are not shown yet. */
  list(tenantId: string, belowId: string | undefined, take: number): Promise<ContactImport[]> {
    return this.prisma.contactImport.findMany({
      where: { tenantId, id: { lt: belowId }, jobId: { not: null } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  async stage(tenantId: string, importId: string, rows: StagedRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.prisma.contactImportRow.createMany({
      data: rows.map((row) => ({ ...row, contact: row.contact as Prisma.InputJsonValue, tenantId, importId })),
    });
  }

  async recordErrors(
    tenantId: string,
    importId: string,
    errors: RowError[],
    tx: Transaction = this.prisma,
  ): Promise<void> {
    if (errors.length === 0) return;
    await tx.contactImportError.createMany({
      data: errors.map((error) => ({ ...error, id: newId(), tenantId, importId })),
    });
  }

  /** In the order in which they were found. */
  listErrors(
    tenantId: string,
    importId: string,
    afterId: string | undefined,
    take: number,
  ): Promise<ContactImportError[]> {
    return this.prisma.contactImportError.findMany({
      where: { tenantId, importId, id: { gt: afterId } },
      orderBy: { id: 'asc' },
      take,
    });
  }

  async update(
    tx: Transaction,
    tenantId: string,
    id: string,
    change: Prisma.ContactImportUncheckedUpdateInput,
  ): Promise<void> {
    await tx.contactImport.update({ where: { id, tenantId }, data: change });
  }

  /** The next rows: those of one key together, in the order of the file, as long as they are no more than `limit`. */
  async nextRows(tx: Transaction, tenantId: string, importId: string, limit: number): Promise<ContactImportRow[]> {
    const rows = await tx.contactImportRow.findMany({
      where: { tenantId, importId },
      orderBy: [{ matchKey: 'asc' }, { line: 'asc' }],
      take: limit,
    });
    const whole = rows.filter((row) => row.matchKey !== rows.at(-1)?.matchKey);
    return rows.length < limit || whole.length === 0 ? rows : whole;
  }

  /** Nobody else takes rows of it until the transaction ends: a worker that was slow and not dead is waited for. */
  async lock(tx: Transaction, tenantId: string, id: string): Promise<void> {
    await tx.$queryRaw`select 1 from contact_imports where tenant_id = ${tenantId}::uuid and id = ${id}::uuid for update`;
  }

  /** What became of rows, with which they go. @throws RowsGone when another worker has dealt with some of them */
  async recordOutcomes(
    tx: Transaction,
    tenantId: string,
    importId: string,
    rows: ContactImportRow[],
    counts: Counts,
    errors: RowError[],
  ): Promise<void> {
    const gone = await tx.$executeRaw`
      delete from contact_import_rows r
      using unnest(${rows.map((row) => row.matchKey)}::text[], ${rows.map((row) => row.line)}::int[]) as done(key, line)
      where r.tenant_id = ${tenantId}::uuid and r.import_id = ${importId}::uuid and r.match_key = done.key and r.line = done.line`;
    if (gone !== rows.length) throw new RowsGone();
    await this.recordErrors(tenantId, importId, errors, tx);
    const more = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, { increment: count }]));
    await this.update(tx, tenantId, importId, more);
  }

  /** All or nothing, beside the caller's other statements. */
  inTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.prisma.inTransaction(work);
  }

  async finish(tenantId: string, id: string, now: Date): Promise<void> {
    await this.prisma.contactImport.updateMany({
      where: { id, tenantId, finishedAt: null },
      data: { finishedAt: now },
    });
  }

  async delete(tenantId: string, importId: string): Promise<void> {
    await this.prisma.$transaction([
      this.prisma.contactImportRow.deleteMany({ where: { tenantId, importId } }),
      this.prisma.contactImportError.deleteMany({ where: { tenantId, importId } }),
      this.prisma.contactImport.deleteMany({ where: { tenantId, id: importId } }),
    ]);
  }

  /** Uploads of the tenant that never ended, and rows of jobs that were stopped. */
  async removeLeftBehind(tenantId: string, now: Date): Promise<void> {
    const left = await this.prisma.$queryRaw<{ id: string; received: boolean }[]>`
      select i.id, i.job_id is not null as received from contact_imports i
      left join background_jobs j on j.tenant_id = i.tenant_id and j.id = i.job_id
      where i.tenant_id = ${tenantId}::uuid and i.created_at < ${now}::timestamptz - ${LEFT_BEHIND}::interval
        and i.finished_at is null and (i.job_id is null or j.status in ('failed', 'cancelled'))`;
    for (const { id, received } of left) {
      if (received) await this.prisma.contactImportRow.deleteMany({ where: { tenantId, importId: id } });
      else await this.delete(tenantId, id);
    }
  }

  /** Undoes what has been done since `work` began when it throws; the transaction goes on. */
  async attempt<T>(tx: Transaction, work: () => Promise<T>): Promise<T> {
    await tx.$executeRaw`savepoint import_row`;
    try {
      const result = await work();
      await tx.$executeRaw`release savepoint import_row`;
      return result;
    } catch (error) {
      await tx.$executeRaw`rollback to savepoint import_row`;
      throw error;
    }
  }
}
