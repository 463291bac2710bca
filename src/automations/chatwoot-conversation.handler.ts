import { Injectable } from '@nestjs/common';
import { ConversationRecorder } from '../crm/conversation-recorder.js';
import { at, digitsOf, textOf } from '../inbound-events/handlers/fields.js';
import {
  type Effects,
  type HandledEvent,
  type HandlerResult,
  type InboundHandler,
  PermanentFailure,
} from '../inbound-events/handlers/inbound-handler.js';
import { chatwootChannel } from '../inbound-events/handlers/message-readers.js';
import { ExternalIdentityStore } from './external-identity.store.js';

/** Conversations of Chatwoot are kept here, with whether they are open (the MedFlow guide, "Chatwoot → MedFlow"). */
@Injectable()
export class ChatwootConversationHandler implements InboundHandler {
  readonly handles = ['chatwoot:conversation_created', 'chatwoot:conversation_status_changed'];

  constructor(
    private readonly recorder: ConversationRecorder,
    private readonly identities: ExternalIdentityStore,
  ) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const { tenantId, fields } = event;
    const externalId = textOf(at(fields, 'id'));
    if (externalId === null) throw new PermanentFailure('The conversation has no id.');
    const ref = { provider: 'chatwoot', kind: 'conversation', externalId };
    await this.identities.hold(effects.tx, tenantId, [ref]);
    const seenAt = changedAt(fields) ?? event.receivedAt;
    const known = await this.identities.find(tenantId, ref, effects.tx);
    if (known?.seenAt && seenAt < known.seenAt)
      return { kind: 'ignored', why: 'A newer state of this conversation is known.' };
    const sender = at(fields, 'meta', 'sender');
    const senderId = textOf(at(sender, 'id'));
    const contact = senderId
      ? await this.identities.find(
          tenantId,
          { provider: 'chatwoot', kind: 'contact', externalId: senderId },
          effects.tx,
        )
      : null;
    const { conversation, created } = await this.recorder.upsert(effects, tenantId, `chatwoot:${externalId}`, {
      channel: chatwootChannel(textOf(at(fields, 'channel'))),
      party: digitsOf(at(sender, 'phone_number')) ?? textOf(at(sender, 'email')) ?? senderId ?? externalId,
      status: textOf(at(fields, 'status')) === 'resolved' ? 'closed' : 'open',
      ...(contact && { contactId: contact.ownId }),
    });
    await this.identities.record(tenantId, ref, conversation.id, { seenAt }, effects.tx);
    return { kind: 'processed', did: { conversationId: conversation.id, created, status: conversation.status } };
  }
}

/** Seconds of the epoch with a fraction; older versions have `timestamp` alone. */
function changedAt(fields: unknown): Date | null {
  const seconds = Number(at(fields, 'updated_at') ?? at(fields, 'timestamp') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? new Date(seconds * 1000) : null;
}
