import { Injectable } from '@nestjs/common';
import type { Conversation } from './conversation.store.js';
import { ConversationRecorder, type NewMessage } from './conversation-recorder.js';
import { conflicts } from './crm-rows.js';
import type { Write } from './crm-writer.js';
import type { Message } from './message.store.js';

/** Brings a message to the other party of its conversation, after the transaction. */
export interface MessageCarrier {
  /** @throws AppError conflict when there is no way to the other party */
  plan(write: Write, conversation: Conversation, message: Message): Promise<void>;
}

/** Messages to be sent: kept at once, told once they are on their way. What carries them is not this feature's to know. */
@Injectable()
export class OutgoingMessages {
  private carrier: MessageCarrier | null = null;

  constructor(private readonly recorder: ConversationRecorder) {}

  carriedBy(carrier: MessageCarrier): void {
    this.carrier = carrier;
  }

  /** @throws AppError not_found, conflict when nothing is connected that could send it */
  async send(write: Write, tenantId: string, conversationId: string, message: NewMessage): Promise<Message> {
    if (!this.carrier) throw conflicts('/send', 'This server has nothing to send messages with.');
    const unsaid = { ...write, tell: () => undefined };
    const recorded = await this.recorder.record(unsaid, tenantId, conversationId, message);
    await this.carrier.plan(write, recorded.conversation, recorded.message);
    return recorded.message;
  }
}
