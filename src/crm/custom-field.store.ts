import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { CustomField } from '../generated/prisma/client.js';

export type { CustomField };

export type NamedField = Pick<CustomField, 'id' | 'name' | 'type' | 'choices'>;
type FieldValues = Pick<CustomField, 'name' | 'label' | 'type' | 'choices'>;

@Injectable()
export class CustomFieldStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Those of these names, by name. They keep their names and stay until the caller's transaction ends. */
  async named(tx: Transaction, tenantId: string, names: string[]): Promise<Map<string, NamedField>> {
    if (names.length === 0) return new Map();
    const found = await tx.$queryRaw<NamedField[]>`
      select id, name, type, choices from custom_fields
      where tenant_id = ${tenantId}::uuid and name = any(${names}::text[]) order by id for key share`;
    return new Map(found.map((field) => [field.name, field]));
  }

  /** Null where there is one of that name. */
  async create(tx: Transaction, tenantId: string, values: FieldValues, now: Date): Promise<CustomField | null> {
    const data = [{ ...values, id: newId(), tenantId, createdAt: now, updatedAt: now }];
    return (await tx.customField.createManyAndReturn({ data, skipDuplicates: true }))[0] ?? null;
  }

  find(tenantId: string, id: string): Promise<CustomField | null> {
    return this.prisma.customField.findUnique({ where: { id, tenantId } });
  }

  /** Newest first. */
  list(tenantId: string, belowId: string | undefined, take: number): Promise<CustomField[]> {
    return this.prisma.customField.findMany({
      where: { tenantId, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  async update(tx: Transaction, tenantId: string, id: string, values: Omit<FieldValues, 'type'>, now: Date) {
    await tx.customField.update({ where: { id, tenantId }, data: { ...values, updatedAt: now } });
  }

  /** The definition alone; contacts may still have values. */
  async delete(tx: Transaction, tenantId: string, id: string): Promise<void> {
    await tx.customField.deleteMany({ where: { tenantId, id } });
  }
}
