import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { isUniqueViolation, PrismaService, type Transaction } from '../database/prisma.service.js';
import type { StageAutomation } from '../generated/prisma/client.js';

export type { StageAutomation };

export interface StageAutomationValues {
  stage: string;
  enabled: boolean;
  templateName: string | null;
  tag: string | null;
  eventType: string | null;
}

@Injectable()
export class StageAutomationStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Null when the tenant has one for that stage. */
  async create(tenantId: string, values: StageAutomationValues): Promise<StageAutomation | null> {
    try {
      return await this.prisma.stageAutomation.create({ data: { ...values, id: newId(), tenantId } });
    } catch (error) {
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  }

  find(tenantId: string, id: string): Promise<StageAutomation | null> {
    return this.prisma.stageAutomation.findUnique({ where: { id, tenantId } });
  }

  /** What is to happen in a stage; null when nothing is. */
  findEnabled(tx: Transaction, tenantId: string, stage: string): Promise<StageAutomation | null> {
    return tx.stageAutomation.findFirst({ where: { tenantId, stage, enabled: true } });
  }

  /** Newest first. */
  list(tenantId: string, belowId: string | undefined, take: number): Promise<StageAutomation[]> {
    return this.prisma.stageAutomation.findMany({
      where: { tenantId, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  async update(
    tenantId: string,
    id: string,
    values: Partial<Omit<StageAutomationValues, 'stage'>>,
  ): Promise<StageAutomation | null> {
    const { count } = await this.prisma.stageAutomation.updateMany({ where: { id, tenantId }, data: values });
    return count === 0 ? null : this.find(tenantId, id);
  }

  async delete(tenantId: string, id: string): Promise<boolean> {
    const { count } = await this.prisma.stageAutomation.deleteMany({ where: { id, tenantId } });
    return count === 1;
  }
}
