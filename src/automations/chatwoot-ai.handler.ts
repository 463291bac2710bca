import { Injectable } from '@nestjs/common';
import { ConversationStore } from '../crm/conversation.store.js';
import { MessageStore } from '../crm/message.store.js';
import { at, textOf } from '../inbound-events/handlers/fields.js';
import type {
  Effects,
  HandledEvent,
  HandlerResult,
  InboundHandler,
} from '../inbound-events/handlers/inbound-handler.js';
import { EventConnections } from './event-connections.js';
import { TaskPlanner } from './task-planner.js';

/** An incoming message goes to the AI agent (the MedFlow guide, "Chatwoot → MedFlow"); the message itself has been recorded before. */
@Injectable()
export class ChatwootAiHandler implements InboundHandler {
  readonly handles = ['chatwoot:message_created'];

  constructor(
    private readonly conversations: ConversationStore,
    private readonly messages: MessageStore,
    private readonly connections: EventConnections,
    private readonly planner: TaskPlanner,
  ) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const { tenantId, fields } = event;
    // Its own answers come back as outgoing messages: it never answers itself.
    if (at(fields, 'message_type') !== 'incoming' || at(fields, 'private') === true)
      return { kind: 'ignored', why: 'The AI agent answers incoming messages alone.' };
    const settings = await this.connections.settings(event, 'chatwoot');
    if (!settings?.ai?.enabled) return { kind: 'ignored', why: 'There is no AI agent.' };
    const messageId = textOf(at(fields, 'id'));
    const externalId = `chatwoot:${textOf(at(fields, 'conversation', 'id'))}`;
    const conversation = await this.conversations.lockByExternalId(effects.tx, tenantId, externalId);
    if (!conversation || messageId === null) return { kind: 'ignored', why: 'The conversation was not recorded.' };
    const assignee = at(fields, 'conversation', 'meta', 'assignee');
    if (!conversation.aiEnabled || (typeof assignee === 'object' && assignee !== null))
      return { kind: 'ignored', why: 'A person has this conversation.' };
    const message = await this.messages.getByExternalId(effects.tx, tenantId, conversation.id, `chatwoot:${messageId}`);
    const planned = await this.planner.plan(effects, tenantId, [
      {
        kind: 'ai.answer',
        key: `ai.answer:${conversation.id}:${messageId}`,
        subject: `ai:conversation:${conversation.id}`,
        payload: {
          conversationId: conversation.id,
          messageId: message.id,
          chatwootMessageId: Number(messageId),
          late: at(fields, 'reconciled') === true,
        },
      },
    ]);
    return { kind: 'processed', did: { ai: planned } };
  }
}
