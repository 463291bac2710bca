import { Injectable } from '@nestjs/common';
import { cursorId, type Page, pageOf, timeRange } from '../http/pagination.dto.js';
import {
  type ConversationQuery,
  type ConversationView,
  type CreateConversation,
  type MessageQuery,
  type MessageView,
  presentConversation,
  presentMessage,
  type RecordMessage,
  type UpdateConversation,
} from './conversation.dto.js';
import { ConversationStore } from './conversation.store.js';
import { ConversationRecorder } from './conversation-recorder.js';
import { conflicts, found, rowId } from './crm-rows.js';
import { CrmWriter } from './crm-writer.js';
import type { ChangeOrigin } from './domain-change.js';
import { MessageStore } from './message.store.js';
import { OutgoingMessages } from './outgoing-messages.js';

@Injectable()
export class ConversationService {
  constructor(
    private readonly store: ConversationStore,
    private readonly messages: MessageStore,
    private readonly recorder: ConversationRecorder,
    private readonly outgoing: OutgoingMessages,
    private readonly writer: CrmWriter,
  ) {}

  async create(tenantId: string, origin: ChangeOrigin, input: CreateConversation): Promise<ConversationView> {
    return presentConversation(
      await this.writer.write(tenantId, origin, (write) => this.recorder.open(write, tenantId, input)),
    );
  }

  async get(tenantId: string, id: string): Promise<ConversationView> {
    const conversation = await this.store.find(tenantId, rowId('conversation', id));
    return presentConversation(found(conversation, 'conversation', id));
  }

  async list(tenantId: string, query: ConversationQuery): Promise<Page<ConversationView>> {
    const { limit, cursor: _cursor, ...filter } = query;
    return pageOf(await this.store.list(tenantId, filter, cursorId(query), limit + 1), limit, presentConversation);
  }

  async update(
    tenantId: string,
    origin: ChangeOrigin,
    id: string,
    input: UpdateConversation,
  ): Promise<ConversationView> {
    rowId('conversation', id);
    return presentConversation(
      await this.writer.write(tenantId, origin, (write) => this.recorder.update(write, tenantId, id, input)),
    );
  }

  async delete(tenantId: string, origin: ChangeOrigin, id: string): Promise<void> {
    rowId('conversation', id);
    await this.writer.write(tenantId, origin, (write) => this.recorder.delete(write, tenantId, id));
  }

  /** @throws AppError conflict when the conversation has a message with that external id */
  async record(
    tenantId: string,
    origin: ChangeOrigin,
    id: string,
    { send = false, ...input }: RecordMessage,
  ): Promise<MessageView> {
    rowId('conversation', id);
    if (send) return this.send(tenantId, origin, id, input);
    const { message, created } = await this.writer.write(tenantId, origin, (write) =>
      this.recorder.record(write, tenantId, id, input),
    );
    if (!created)
      throw conflicts(
        '/externalId',
        `The conversation has a message with the external id "${input.externalId}" already.`,
      );
    return presentMessage(message);
  }

  private async send(tenantId: string, origin: ChangeOrigin, id: string, input: RecordMessage): Promise<MessageView> {
    if (input.direction !== 'sent') throw conflicts('/send', 'What is sent has the direction "sent".');
    if (input.externalId) throw conflicts('/externalId', 'A message that has an id elsewhere has been sent.');
    return presentMessage(
      await this.writer.write(tenantId, origin, (write) => this.outgoing.send(write, tenantId, id, input)),
    );
  }

  async listMessages(tenantId: string, id: string, query: MessageQuery): Promise<Page<MessageView>> {
    await this.get(tenantId, id);
    const { limit, direction, author } = query;
    const filter = { direction, author, ...timeRange(query) };
    return pageOf(await this.messages.list(tenantId, id, filter, cursorId(query), limit + 1), limit, presentMessage);
  }
}
