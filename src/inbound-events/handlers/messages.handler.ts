import { Injectable } from '@nestjs/common';
import { ConversationRecorder } from '../../crm/conversation-recorder.js';
import { PartyContacts } from '../../crm/party-contacts.js';
import type { Effects, HandledEvent, HandlerResult, InboundHandler } from './inbound-handler.js';
import { messageIn } from './message-readers.js';

/**
 * Messages that providers tell of are kept in the conversation they belong to, whose contact is found or made, and told (product.md,
 * decision 2): `message.*`, and those on WhatsApp `whatsapp.*` too. A message that comes twice is kept and told once; processing its
 * event again tells it again.
 */
@Injectable()
export class MessagesHandler implements InboundHandler {
  readonly handles = [
    'chatwoot:message_created',
    'twilio:message.received',
    'twilio:message.sent',
    'evolution:messages.upsert',
  ];

  constructor(
    private readonly recorder: ConversationRecorder,
    private readonly parties: PartyContacts,
  ) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const { tenantId, source, id } = event;
    const message = messageIn(event);
    if (typeof message === 'string') return { kind: 'ignored', why: message };
    const { direction, author, channel, party, name, isGroup, text, type, at } = message;

    const said = { channel, party, isGroup, ...(name !== null && { title: name }) };
    const { conversation } = await this.recorder.upsert(
      effects,
      tenantId,
      `${source}:${message.conversationId}`,
      said,
      async () => (isGroup ? null : this.parties.ensure(effects, tenantId, message)),
    );
    const recorded = await this.recorder.record(effects, tenantId, conversation.id, {
      direction,
      author: direction === 'received' ? 'contact' : author,
      type,
      text,
      externalId: `${source}:${message.messageId}`,
      sentAt: new Date(at),
      metadata: { inboundEventId: id },
    });
    if (!recorded.created && recorded.message.metadata.inboundEventId === id)
      effects.tell({ kind: 'message-recorded', message: recorded.message, conversation: recorded.conversation });
    return {
      kind: 'processed',
      did: {
        message: direction,
        channel,
        conversationId: conversation.id,
        messageId: recorded.message.id,
        contactId: conversation.contactId,
        known: !recorded.created,
      },
    };
  }
}
