import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { isUniqueViolation, PrismaService } from '../database/prisma.service.js';
import type { MessageTemplate } from '../generated/prisma/client.js';

export type { MessageTemplate };

export interface TemplateValues {
  name: string;
  language: string;
  text: string;
}

@Injectable()
export class MessageTemplateStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Null when the tenant has one of that name in that language. */
  async create(tenantId: string, values: TemplateValues): Promise<MessageTemplate | null> {
    try {
      return await this.prisma.messageTemplate.create({ data: { ...values, id: newId(), tenantId } });
    } catch (error) {
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  }

  find(tenantId: string, id: string): Promise<MessageTemplate | null> {
    return this.prisma.messageTemplate.findUnique({ where: { id, tenantId } });
  }

  /** Newest first. */
  list(tenantId: string, name: string | undefined, belowId: string | undefined, take: number) {
    return this.prisma.messageTemplate.findMany({
      where: { tenantId, name, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  /** In every language the tenant has it in. */
  listNamed(tenantId: string, name: string): Promise<MessageTemplate[]> {
    return this.prisma.messageTemplate.findMany({ where: { tenantId, name } });
  }

  async update(tenantId: string, id: string, text: string): Promise<MessageTemplate | null> {
    const { count } = await this.prisma.messageTemplate.updateMany({ where: { id, tenantId }, data: { text } });
    return count === 0 ? null : this.find(tenantId, id);
  }

  async delete(tenantId: string, id: string): Promise<boolean> {
    const { count } = await this.prisma.messageTemplate.deleteMany({ where: { id, tenantId } });
    return count === 1;
  }
}
