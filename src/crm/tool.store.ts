import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { Tool } from '../generated/prisma/client.js';

export type { Tool };

export interface ToolValues {
  name: string;
  description: string;
  durationMinutes: number | null;
  externalId: string | null;
}

export interface ToolFilter {
  name?: string;
  externalId?: string;
}

@Injectable()
export class ToolStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Null when the external id is taken. */
  async create(tenantId: string, values: Partial<ToolValues> & { name: string }): Promise<Tool | null> {
    const [made] = await this.prisma.tool.createManyAndReturn({
      data: [{ ...values, id: newId(), tenantId }],
      skipDuplicates: true,
    });
    return made ?? null;
  }

  /** What a provider has under that id (`calcom:123`): made when it is not known, renamed when it is called otherwise now. */
  async ensure(
    tx: Transaction,
    tenantId: string,
    externalId: string,
    values: Pick<ToolValues, 'name'> & Partial<ToolValues>,
  ): Promise<Tool> {
    await tx.tool.createMany({ data: [{ ...values, id: newId(), tenantId, externalId }], skipDuplicates: true });
    const where = { tenantId_externalId: { tenantId, externalId } };
    const tool = await tx.tool.findUniqueOrThrow({ where });
    return tool.name === values.name ? tool : tx.tool.update({ where, data: { name: values.name } });
  }

  find(tenantId: string, id: string, tx: Transaction = this.prisma): Promise<Tool | null> {
    return tx.tool.findUnique({ where: { id, tenantId } });
  }

  /** Holds it until the transaction ends, so that it is not deleted meanwhile. */
  async hold(tx: Transaction, tenantId: string, id: string): Promise<Tool | null> {
    await tx.$queryRaw`select 1 from tools where tenant_id = ${tenantId}::uuid and id = ${id}::uuid for key share`;
    return this.find(tenantId, id, tx);
  }

  /** Newest first. */
  list(tenantId: string, filter: ToolFilter, belowId: string | undefined, take: number): Promise<Tool[]> {
    return this.prisma.tool.findMany({
      where: { tenantId, ...filter, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  async update(tenantId: string, id: string, values: Partial<ToolValues>): Promise<Tool | null> {
    const [tool] = await this.prisma.tool.updateManyAndReturn({ where: { id, tenantId }, data: values });
    return tool ?? null;
  }

  /** A tool that bookings are for stays. */
  delete(tenantId: string, id: string): Promise<'deleted' | 'notFound' | 'booked'> {
    return this.prisma.inTransaction(async (tx) => {
      await tx.$queryRaw`select 1 from tools where tenant_id = ${tenantId}::uuid and id = ${id}::uuid for update`;
      if (await tx.booking.findFirst({ where: { tenantId, toolId: id }, select: { id: true } })) return 'booked';
      const { count } = await tx.tool.deleteMany({ where: { id, tenantId } });
      return count === 1 ? 'deleted' : 'notFound';
    });
  }
}
