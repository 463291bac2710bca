import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { Conversation as Row } from '../generated/prisma/client.js';

export const CONVERSATION_STATUSES = ['open', 'closed'] as const;
export type ConversationStatus = (typeof CONVERSATION_STATUSES)[number];

export interface Conversation extends Omit<Row, 'status'> {
  status: ConversationStatus;
}

export interface ConversationValues {
  contactId: string | null;
  /** `whatsapp`, `sms`, `email`, `webchat`, `ai` … */
  channel: string;
  externalId: string | null;
  /** The other party as the channel names it: digits of a telephone number, an address. */
  party: string | null;
  title: string | null;
  isGroup: boolean;
  status: ConversationStatus;
  aiEnabled: boolean;
}

export interface ConversationFilter {
  contactId?: string;
  channel?: string;
  status?: ConversationStatus;
  party?: string;
  externalId?: string;
  aiEnabled?: boolean;
}

@Injectable()
export class ConversationStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Null when the external id is taken. */
  async create(
    tx: Transaction,
    tenantId: string,
    values: Partial<ConversationValues> & { channel: string },
    now: Date,
  ): Promise<Conversation | null> {
    const [made] = await tx.conversation.createManyAndReturn({
      data: [{ ...values, id: newId(), tenantId, createdAt: now, updatedAt: now }],
      skipDuplicates: true,
    });
    return (made as Conversation | undefined) ?? null;
  }

  async find(tenantId: string, id: string): Promise<Conversation | null> {
    return (await this.prisma.conversation.findUnique({ where: { id, tenantId } })) as Conversation | null;
  }

  /** As it is, and nobody changes it until the transaction ends. */
  async lock(tx: Transaction, tenantId: string, id: string): Promise<Conversation | null> {
    await tx.$queryRaw`select 1 from conversations where tenant_id = ${tenantId}::uuid and id = ${id}::uuid for update`;
    return (await tx.conversation.findUnique({ where: { id, tenantId } })) as Conversation | null;
  }

  async lockByExternalId(tx: Transaction, tenantId: string, externalId: string): Promise<Conversation | null> {
    const where = { tenantId_externalId: { tenantId, externalId } };
    const row = await tx.conversation.findUnique({ where, select: { id: true } });
    return row && this.lock(tx, tenantId, row.id);
  }

  /** Newest first. */
  async list(
    tenantId: string,
    filter: ConversationFilter,
    belowId: string | undefined,
    take: number,
  ): Promise<Conversation[]> {
    const rows = await this.prisma.conversation.findMany({
      where: { tenantId, ...filter, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
    return rows as Conversation[];
  }

  async update(
    tx: Transaction,
    tenantId: string,
    id: string,
    values: Partial<ConversationValues> & { messageCount?: number; lastMessageAt?: Date },
    now: Date,
  ): Promise<Conversation> {
    const data = { ...values, updatedAt: now };
    return (await tx.conversation.update({ where: { id, tenantId }, data })) as Conversation;
  }

  /** With its messages. */
  async delete(tx: Transaction, tenantId: string, id: string): Promise<void> {
    await tx.message.deleteMany({ where: { tenantId, conversationId: id } });
    await tx.conversation.deleteMany({ where: { id, tenantId } });
  }
}
