import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { ContactConsent, Interaction } from '../generated/prisma/client.js';

export type { ContactConsent, Interaction };

/** What contacts did on channels, and what they agreed to: the histories behind their counters and flags. */
@Injectable()
export class InteractionStore {
  constructor(private readonly prisma: PrismaService) {}

  create(
    tx: Transaction,
    tenantId: string,
    contactId: string,
    values: Pick<Interaction, 'kind' | 'channel' | 'text' | 'occurredAt'>,
  ): Promise<Interaction> {
    return tx.interaction.create({ data: { ...values, id: newId(), tenantId, contactId } });
  }

  /** Newest first. */
  list(tenantId: string, contactId: string, belowId: string | undefined, take: number): Promise<Interaction[]> {
    return this.prisma.interaction.findMany({
      where: { tenantId, contactId, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  /** Newest first. */
  listConsents(
    tenantId: string,
    contactId: string,
    belowId: string | undefined,
    take: number,
  ): Promise<ContactConsent[]> {
    return this.prisma.contactConsent.findMany({
      where: { tenantId, contactId, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }
}
