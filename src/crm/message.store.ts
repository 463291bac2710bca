import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { Prisma, Message as Row } from '../generated/prisma/client.js';

export const MESSAGE_DIRECTIONS = ['received', 'sent'] as const;
export type MessageDirection = (typeof MESSAGE_DIRECTIONS)[number];

export const MESSAGE_AUTHORS = ['contact', 'agent', 'ai', 'system'] as const;
export type MessageAuthor = (typeof MESSAGE_AUTHORS)[number];

export interface Message extends Omit<Row, 'direction' | 'author' | 'metadata'> {
  direction: MessageDirection;
  author: MessageAuthor;
  metadata: Record<string, unknown>;
}

export interface MessageValues {
  direction: MessageDirection;
  author: MessageAuthor;
  /** `TEXT`, `IMAGE` … */
  type: string;
  text: string | null;
  externalId: string | null;
  sentAt: Date;
  metadata: Record<string, unknown>;
}

export interface MessageFilter {
  direction?: MessageDirection;
  author?: MessageAuthor;
  externalId?: string;
  since?: Date;
  until?: Date;
}

@Injectable()
export class MessageStore {
  constructor(private readonly prisma: PrismaService) {}

  /** Null when the conversation has a message with that external id. */
  async create(
    tx: Transaction,
    tenantId: string,
    conversationId: string,
    { metadata, ...values }: MessageValues,
  ): Promise<Message | null> {
    const [made] = await tx.message.createManyAndReturn({
      data: [{ ...values, metadata: metadata as Prisma.InputJsonObject, id: newId(), tenantId, conversationId }],
      skipDuplicates: true,
    });
    return (made as Message | undefined) ?? null;
  }

  async getByExternalId(
    tx: Transaction,
    tenantId: string,
    conversationId: string,
    externalId: string,
  ): Promise<Message> {
    const where = { tenantId_conversationId_externalId: { tenantId, conversationId, externalId } };
    return (await tx.message.findUniqueOrThrow({ where })) as Message;
  }

  async find(tenantId: string, id: string): Promise<Message | null> {
    return (await this.prisma.message.findUnique({ where: { tenantId_id: { tenantId, id } } })) as Message | null;
  }

  /**
   * A message that was kept before it was sent has been sent, and is known there as `externalId`. Where the provider has told of it
   * meanwhile, its row is the message and this one goes.
   * @returns null when it has been told already
   */
  async settleSent(
    tx: Transaction,
    message: Message,
    { metadata, ...sent }: Pick<MessageValues, 'sentAt' | 'metadata'> & { externalId: string },
  ): Promise<Message | null> {
    const { tenantId, id, conversationId } = message;
    const { externalId } = sent;
    await tx.$queryRaw`
      select 1 from conversations where tenant_id = ${tenantId}::uuid and id = ${conversationId}::uuid for update`;
    const told = await tx.message.findUnique({
      where: { tenantId_conversationId_externalId: { tenantId, conversationId, externalId } },
    });
    const where = { tenantId_id: { tenantId, id } };
    if (!told)
      return (await tx.message.update({
        where,
        data: { ...sent, metadata: metadata as Prisma.InputJsonObject },
      })) as Message;
    if (told.id === id) return null;
    await tx.message.delete({ where });
    await tx.conversation.update({
      where: { id: conversationId, tenantId },
      data: { messageCount: { decrement: 1 } },
    });
    return null;
  }

  /** The `Message-ID` of the mail that was received last in a conversation. */
  async newestMailId(tenantId: string, conversationId: string): Promise<string | null> {
    const row = await this.prisma.message.findFirst({
      where: { tenantId, conversationId, direction: 'received' },
      orderBy: { id: 'desc' },
      select: { metadata: true },
    });
    const { messageId } = (row?.metadata ?? {}) as { messageId?: unknown };
    return typeof messageId === 'string' ? messageId : null;
  }

  /** Who wrote it, known only after somebody else told of it. */
  async setAuthor(tx: Transaction, tenantId: string, id: string, author: MessageAuthor): Promise<void> {
    await tx.message.update({ where: { tenantId_id: { tenantId, id } }, data: { author } });
  }

  /** Those recorded last first. */
  async list(
    tenantId: string,
    conversationId: string,
    { since, until, ...filter }: MessageFilter,
    belowId: string | undefined,
    take: number,
  ): Promise<Message[]> {
    const rows = await this.prisma.message.findMany({
      where: { tenantId, conversationId, ...filter, sentAt: { gte: since, lt: until }, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
    return rows as Message[];
  }
}
