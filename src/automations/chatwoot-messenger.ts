import { Injectable } from '@nestjs/common';
import type { ChatwootClient } from '../connections/chatwoot-client.js';
import type { ChatwootConversation } from '../connections/chatwoot-records.js';
import type { Contact } from '../crm/contact.store.js';
import { ConversationRecorder } from '../crm/conversation-recorder.js';
import { CrmWriter, type Write } from '../crm/crm-writer.js';
import { type MessageAuthor, MessageStore } from '../crm/message.store.js';
import { chatwootChannel } from '../inbound-events/handlers/message-readers.js';
import type { ClaimedTask } from './automation-task.store.js';
import { chatwootPeople } from './external-people.js';
import { PersonWriter } from './person-writer.js';
import { originOf } from './task-origin.js';

/** Clocks of two machines differ, and Chatwoot tells whole seconds. */
const CLOCK_TOLERANCE_MS = 60_000;

export interface SentMessage {
  /** Chatwoot's. */
  id: number;
  text: string;
  author: MessageAuthor;
}

/** Sends messages through Chatwoot, each once, and records them here. */
@Injectable()
export class ChatwootMessenger {
  constructor(
    private readonly people: PersonWriter,
    private readonly writer: CrmWriter,
    private readonly recorder: ConversationRecorder,
    private readonly messages: MessageStore,
  ) {}

  /** To the contact's open conversation; where there is none, in a new one. */
  async sendToContact(client: ChatwootClient, contact: Contact, text: string, task: ClaimedTask) {
    const { externalId } = await this.people.ensure(chatwootPeople(client), contact);
    const there = await client.ensureConversation(Number(externalId));
    const { id: messageId } = await this.send(client, there.id, text, task);
    const conversationId = await this.recordNew(contact, there, { id: messageId, text, author: 'system' }, task);
    return { chatwootContactId: externalId, chatwootConversationId: there.id, messageId, conversationId };
  }

  /** A task that was begun before may have sent it: then the conversation has it. */
  async send(
    client: ChatwootClient,
    conversationId: number,
    text: string,
    task: ClaimedTask,
    options: { private?: boolean } = {},
  ): Promise<{ id: number }> {
    if (task.attempt > 1) {
      const since = task.createdAt.getTime() - CLOCK_TOLERANCE_MS;
      const there = (await client.listMessages(conversationId)).find(
        (message) => message.message_type === 1 && message.content === text && message.created_at * 1000 >= since,
      );
      if (there) return there;
    }
    return client.sendMessage(conversationId, { content: text, ...options });
  }

  /** What was sent to a conversation that is known here. Chatwoot's own word of it may have come before. */
  recordSent(tenantId: string, conversationId: string, message: SentMessage, task: ClaimedTask): Promise<void> {
    return this.writer.write(tenantId, originOf(task, 'chatwoot'), (write) =>
      this.recordIn(write, tenantId, conversationId, message),
    );
  }

  private recordNew(contact: Contact, there: ChatwootConversation, message: SentMessage, task: ClaimedTask) {
    const { tenantId } = contact;
    return this.writer.write(tenantId, originOf(task, 'chatwoot'), async (write) => {
      const { channel = null } = (there.meta ?? {}) as { channel?: string | null };
      const { conversation } = await this.recorder.upsert(write, tenantId, `chatwoot:${there.id}`, {
        channel: chatwootChannel(channel),
        contactId: contact.id,
        party: contact.phone?.replace(/\D/g, '') || contact.email || String(there.meta?.sender?.id ?? contact.id),
      });
      await this.recordIn(write, tenantId, conversation.id, message);
      return conversation.id;
    });
  }

  private async recordIn(write: Write, tenantId: string, conversationId: string, { id, text, author }: SentMessage) {
    const said = { direction: 'sent', author, text, externalId: `chatwoot:${id}` } as const;
    const { message, created } = await this.recorder.record(write, tenantId, conversationId, said);
    if (!created && message.author !== author) await this.messages.setAuthor(write.tx, tenantId, message.id, author);
  }
}
