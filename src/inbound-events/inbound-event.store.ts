import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { isUniqueViolation, PrismaService } from '../database/prisma.service.js';
import type { InboundEvent, InboundStatus } from '../generated/prisma/client.js';

export type { InboundEvent };

export interface NewInboundEvent {
  source: string;
  eventName: string;
  /** JSON text. */
  payload: string;
  headers: Record<string, unknown>;
  /** Two requests of a source with the same key are the same event. */
  dedupeKey: string | null;
}

export interface InboundEventFilter {
  source?: string;
  eventName?: string;
  status?: InboundStatus;
  since?: Date;
  until?: Date;
}

@Injectable()
export class InboundEventStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Stores the event, or finds the one that came before with the same dedupe key. */
  async create(tenantId: string, event: NewInboundEvent, now: Date): Promise<InboundEvent> {
    const { headers, ...columns } = event;
    try {
      return await this.prisma.inboundEvent.create({
        data: { ...columns, headers: JSON.stringify(headers), id: newId(), tenantId, receivedAt: now },
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const { source, dedupeKey } = event;
      return this.prisma.inboundEvent.findFirstOrThrow({ where: { tenantId, source, dedupeKey } });
    }
  }

  find(tenantId: string, id: string): Promise<InboundEvent | null> {
    return this.prisma.inboundEvent.findUnique({ where: { tenantId_id: { tenantId, id } } });
  }

  /** Newest first. */
  list(
    tenantId: string,
    filter: InboundEventFilter,
    belowId: string | undefined,
    take: number,
  ): Promise<InboundEvent[]> {
    const { since, until, ...equal } = filter;
    return this.prisma.inboundEvent.findMany({
      where: { tenantId, ...equal, id: { lt: belowId }, receivedAt: { gte: since, lt: until } },
      orderBy: { id: 'desc' },
      take,
    });
  }
}
