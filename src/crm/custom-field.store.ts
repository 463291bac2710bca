import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { CustomField } from '../generated/prisma/client.js';

export type { CustomField };

@Injectable()
export class CustomFieldStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Those of these names, by name. */
  async named(tenantId: string, names: string[], tx: Transaction = this.prisma): Promise<Map<string, CustomField>> {
    if (names.length === 0) return new Map();
    const found = await tx.customField.findMany({ where: { tenantId, name: { in: names } } });
    return new Map(found.map((field) => [field.name, field]));
  }
}
