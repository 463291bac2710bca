import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { Deal as Row } from '../generated/prisma/client.js';
import { presence } from './crm-rows.js';
import { moneyOf } from './money.js';

export interface Deal extends Omit<Row, 'amount'> {
  /** As `moneyOf` writes it. */
  amount: string | null;
}

export interface DealValues {
  title: string | null;
  contactId: string | null;
  stage: string;
  /** As `moneyOf` writes it. */
  amount: string | null;
  /** ISO 4217. */
  currency: string | null;
  externalId: string | null;
  wonAt: Date | null;
  lostAt: Date | null;
}

export interface DealFilter {
  contactId?: string;
  stage?: string;
  externalId?: string;
  won?: boolean;
  lost?: boolean;
}

const dealOf = (row: Row): Deal => ({ ...row, amount: row.amount && moneyOf(row.amount.toFixed()) });

@Injectable()
export class DealStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Null when the external id is taken. */
  async create(
    tx: Transaction,
    tenantId: string,
    values: Partial<DealValues> & { stage: string },
    now: Date,
  ): Promise<Deal | null> {
    const [made] = await tx.deal.createManyAndReturn({
      data: [{ ...values, id: newId(), tenantId, createdAt: now, updatedAt: now }],
      skipDuplicates: true,
    });
    return made ? dealOf(made) : null;
  }

  async find(tenantId: string, id: string): Promise<Deal | null> {
    const row = await this.prisma.deal.findUnique({ where: { id, tenantId } });
    return row && dealOf(row);
  }

  /** As it is, and nobody changes it until the transaction ends. */
  async lock(tx: Transaction, tenantId: string, id: string): Promise<Deal | null> {
    await tx.$queryRaw`select 1 from deals where tenant_id = ${tenantId}::uuid and id = ${id}::uuid for update`;
    const row = await tx.deal.findUnique({ where: { id, tenantId } });
    return row && dealOf(row);
  }

  async lockByExternalId(tx: Transaction, tenantId: string, externalId: string): Promise<Deal | null> {
    const where = { tenantId_externalId: { tenantId, externalId } };
    const row = await tx.deal.findUnique({ where, select: { id: true } });
    return row && this.lock(tx, tenantId, row.id);
  }

  /** Newest first. */
  async list(
    tenantId: string,
    { won, lost, ...filter }: DealFilter,
    belowId: string | undefined,
    take: number,
  ): Promise<Deal[]> {
    const rows = await this.prisma.deal.findMany({
      where: { tenantId, ...filter, wonAt: presence(won), lostAt: presence(lost), id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
    return rows.map(dealOf);
  }

  async update(tx: Transaction, tenantId: string, id: string, values: Partial<DealValues>, now: Date): Promise<Deal> {
    return dealOf(await tx.deal.update({ where: { id, tenantId }, data: { ...values, updatedAt: now } }));
  }

  /** False when there is none. */
  async delete(tenantId: string, id: string): Promise<boolean> {
    const { count } = await this.prisma.deal.deleteMany({ where: { id, tenantId } });
    return count === 1;
  }
}
