import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService } from '../database/prisma.service.js';
import { type EventType, Prisma } from '../generated/prisma/client.js';

export type { EventType };

export interface EventTypeValues {
  description?: string;
  vocabulary?: string;
  schema?: Record<string, unknown> | null;
  example?: Record<string, unknown> | null;
}

// A JSON column tells "SQL null" from "JSON null"; absent stays absent.
const json = (value: Record<string, unknown> | null | undefined) =>
  value === null ? Prisma.DbNull : (value as Prisma.InputJsonObject | undefined);

@Injectable()
export class EventTypeStore {
  constructor(private readonly prisma: PrismaService) {}

  create(tenantId: string, name: string, values: EventTypeValues): Promise<EventType> {
    const { schema, example, ...rest } = values;
    return this.prisma.eventType.create({
      data: { ...rest, id: newId(), tenantId, name, schema: json(schema), example: json(example) },
    });
  }

  find(tenantId: string, name: string): Promise<EventType | null> {
    return this.prisma.eventType.findUnique({ where: { tenantId_name: { tenantId, name } } });
  }

  /** The tenant's own types, by name. */
  list(tenantId: string): Promise<EventType[]> {
    return this.prisma.eventType.findMany({ where: { tenantId }, orderBy: { name: 'asc' } });
  }

  /** Null when there is none. */
  async update(tenantId: string, name: string, values: EventTypeValues): Promise<EventType | null> {
    const { schema, example, ...rest } = values;
    const [updated] = await this.prisma.eventType.updateManyAndReturn({
      where: { tenantId, name },
      data: { ...rest, schema: json(schema), example: json(example) },
    });
    return updated ?? null;
  }

  async delete(tenantId: string, name: string): Promise<boolean> {
    const { count } = await this.prisma.eventType.deleteMany({ where: { tenantId, name } });
    return count === 1;
  }
}
