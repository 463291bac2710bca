import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService } from '../database/prisma.service.js';
import { type InboundRoute, Prisma } from '../generated/prisma/client.js';

export type { InboundRoute };

export interface RouteValues {
  name: string;
  enabled: boolean;
  sourceId: string | null;
  eventName: string;
  filter: Record<string, unknown> | null;
  action: 'publish' | 'forward';
  eventType: string | null;
  fields: Record<string, unknown> | null;
  subscriptionId: string | null;
  forwardHeaders: string[];
}

const orDbNull = (value: Record<string, unknown> | null) =>
  value === null ? Prisma.DbNull : (value as Prisma.InputJsonValue);

function columns(values: Partial<RouteValues>) {
  const { filter, fields, ...rest } = values;
  return {
    ...rest,
    ...(filter !== undefined && { filter: orDbNull(filter) }),
    ...(fields !== undefined && { fields: orDbNull(fields) }),
  };
}

@Injectable()
export class RouteStore {
  constructor(private readonly prisma: PrismaService) {}

  create(tenantId: string, values: RouteValues): Promise<InboundRoute> {
    const { name, enabled, sourceId, eventName, action, eventType, subscriptionId, forwardHeaders } = values;
    return this.prisma.inboundRoute.create({
      data: {
        id: newId(),
        tenantId,
        name,
        enabled,
        sourceId,
        eventName,
        filter: orDbNull(values.filter),
        action,
        eventType,
        fields: orDbNull(values.fields),
        subscriptionId,
        forwardHeaders,
      },
    });
  }

  find(tenantId: string, id: string): Promise<InboundRoute | null> {
    return this.prisma.inboundRoute.findUnique({ where: { id, tenantId } });
  }

  /** Newest first. */
  list(tenantId: string, belowId: string | undefined, take: number): Promise<InboundRoute[]> {
    return this.prisma.inboundRoute.findMany({
      where: { tenantId, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  count(tenantId: string): Promise<number> {
    return this.prisma.inboundRoute.count({ where: { tenantId } });
  }

  /** Those that are on, oldest first. */
  listEnabled(tenantId: string): Promise<InboundRoute[]> {
    return this.prisma.inboundRoute.findMany({ where: { tenantId, enabled: true }, orderBy: { id: 'asc' } });
  }

  async update(tenantId: string, id: string, values: Partial<RouteValues>): Promise<InboundRoute | null> {
    const { count } = await this.prisma.inboundRoute.updateMany({ where: { id, tenantId }, data: columns(values) });
    return count === 0 ? null : this.find(tenantId, id);
  }

  async delete(tenantId: string, id: string): Promise<boolean> {
    const { count } = await this.prisma.inboundRoute.deleteMany({ where: { id, tenantId } });
    return count === 1;
  }

  /** Whether the tenant has a source, or a subscription, with this id. */
  async sourceExists(tenantId: string, id: string): Promise<boolean> {
    return (await this.prisma.source.findUnique({ where: { id, tenantId }, select: { id: true } })) !== null;
  }

  async subscriptionExists(tenantId: string, id: string): Promise<boolean> {
    return (await this.prisma.subscription.findUnique({ where: { id, tenantId }, select: { id: true } })) !== null;
  }
}
