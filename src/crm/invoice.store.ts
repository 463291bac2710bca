import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { Invoice as Row } from '../generated/prisma/client.js';
import { moneyOf } from './money.js';

export interface Invoice extends Omit<Row, 'amount'> {
  /** As `moneyOf` writes it. */
  amount: string | null;
}

export interface InvoiceValues {
  /** The sender's own id. */
  number: string;
  /** `open`, `paid`, or a word of the host. */
  status: string;
  /** As `moneyOf` writes it. */
  amount: string | null;
  /** ISO 4217. */
  currency: string | null;
  /** In lower case. */
  customerEmail: string | null;
  contactId: string | null;
  dueAt: Date | null;
  paidAt: Date | null;
}

export interface InvoiceFilter {
  number?: string;
  status?: string;
  contactId?: string;
  customerEmail?: string;
  dueFrom?: Date;
  dueBefore?: Date;
}

const invoiceOf = (row: Row): Invoice => ({ ...row, amount: row.amount && moneyOf(row.amount.toFixed()) });

@Injectable()
export class InvoiceStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Null when the number is taken. */
  async create(
    tx: Transaction,
    tenantId: string,
    values: Partial<InvoiceValues> & Pick<InvoiceValues, 'number' | 'status'>,
    now: Date,
  ): Promise<Invoice | null> {
    const [made] = await tx.invoice.createManyAndReturn({
      data: [{ ...values, id: newId(), tenantId, createdAt: now, updatedAt: now }],
      skipDuplicates: true,
    });
    return made ? invoiceOf(made) : null;
  }

  async find(tenantId: string, id: string): Promise<Invoice | null> {
    const row = await this.prisma.invoice.findUnique({ where: { id, tenantId } });
    return row && invoiceOf(row);
  }

  /** As it is, and nobody changes it until the transaction ends. */
  async lock(tx: Transaction, tenantId: string, id: string): Promise<Invoice | null> {
    await tx.$queryRaw`select 1 from invoices where tenant_id = ${tenantId}::uuid and id = ${id}::uuid for update`;
    const row = await tx.invoice.findUnique({ where: { id, tenantId } });
    return row && invoiceOf(row);
  }

  async lockByNumber(tx: Transaction, tenantId: string, number: string): Promise<Invoice | null> {
    const where = { tenantId_number: { tenantId, number } };
    const row = await tx.invoice.findUnique({ where, select: { id: true } });
    return row && this.lock(tx, tenantId, row.id);
  }

  /** Newest first. */
  async list(
    tenantId: string,
    { dueFrom, dueBefore, ...filter }: InvoiceFilter,
    belowId: string | undefined,
    take: number,
  ): Promise<Invoice[]> {
    const dueAt = dueFrom || dueBefore ? { gte: dueFrom, lt: dueBefore } : undefined;
    const rows = await this.prisma.invoice.findMany({
      where: { tenantId, ...filter, dueAt, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
    return rows.map(invoiceOf);
  }

  async update(
    tx: Transaction,
    tenantId: string,
    id: string,
    values: Partial<InvoiceValues>,
    now: Date,
  ): Promise<Invoice> {
    return invoiceOf(await tx.invoice.update({ where: { id, tenantId }, data: { ...values, updatedAt: now } }));
  }

  /** False when there is none. */
  async delete(tenantId: string, id: string): Promise<boolean> {
    const { count } = await this.prisma.invoice.deleteMany({ where: { id, tenantId } });
    return count === 1;
  }

  /** The contact with that e-mail address. */
  async contactWithEmail(tx: Transaction, tenantId: string, email: string): Promise<string | null> {
    const where = { tenantId_email: { tenantId, email } };
    return (await tx.contact.findUnique({ where, select: { id: true } }))?.id ?? null;
  }
}
