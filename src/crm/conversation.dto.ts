import { IsBoolean, IsIn, IsOptional, IsUUID, Matches } from 'class-validator';
import { PageQuery, TimeRangeQuery } from '../http/pagination.dto.js';
import { CONVERSATION_STATUSES, type Conversation, type ConversationStatus } from './conversation.store.js';
import { IsExternalId, IsFlag, IsMetadata, IsText, IsTime, MayBeAbsent } from './crm-fields.dto.js';
import {
  MESSAGE_AUTHORS,
  MESSAGE_DIRECTIONS,
  type Message,
  type MessageAuthor,
  type MessageDirection,
} from './message.store.js';

const CHANNEL = /^[a-z][a-z0-9_-]{0,49}$/;

class ConversationDetails {
  @IsOptional()
  @IsUUID()
  contactId?: string | null;

  /** The provider's own id of it, such as `chatwoot:42`; no two conversations have the same. */
  @IsOptional()
  @IsExternalId()
  externalId?: string | null;

  @IsOptional()
  @IsText(200)
  title?: string | null;

  @MayBeAbsent()
  @IsIn(CONVERSATION_STATUSES)
  status?: ConversationStatus;

  /** Whether an AI agent may answer in it. */
  @MayBeAbsent()
  @IsBoolean()
  aiEnabled?: boolean;
}

export class CreateConversation extends ConversationDetails {
  /** `whatsapp`, `sms`, `email`, `webchat`, `ai` … */
  @Matches(CHANNEL, { message: 'channel is a word in small letters, such as whatsapp' })
  channel: string;

  /** The other party as the channel names it: digits of a telephone number, an address. Default: what the contact has for the channel. */
  @IsOptional()
  @IsText(320, 1)
  party?: string | null;

  @MayBeAbsent()
  @IsBoolean()
  isGroup?: boolean;
}

export class UpdateConversation extends ConversationDetails {}

export class ConversationQuery extends PageQuery {
  @MayBeAbsent()
  @IsUUID()
  contactId?: string;

  @MayBeAbsent()
  @IsText(50)
  channel?: string;

  @MayBeAbsent()
  @IsIn(CONVERSATION_STATUSES)
  status?: ConversationStatus;

  @MayBeAbsent()
  @IsText(320)
  party?: string;

  @MayBeAbsent()
  @IsText(200)
  externalId?: string;

  @MayBeAbsent()
  @IsFlag()
  aiEnabled?: boolean;
}

export class ConversationView {
  id: string;
  tenantId: string;
  contactId: string | null;
  channel: string;
  party: string | null;
  title: string | null;
  isGroup: boolean;
  status: ConversationStatus;
  aiEnabled: boolean;
  externalId: string | null;
  messageCount: number;
  lastMessageAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export function presentConversation(conversation: Conversation): ConversationView {
  const { id, tenantId, contactId, channel, party, title, isGroup, status, aiEnabled, externalId } = conversation;
  const { messageCount, lastMessageAt, createdAt, updatedAt } = conversation;
  return {
    id,
    tenantId,
    contactId,
    channel,
    party,
    title,
    isGroup,
    status,
    aiEnabled,
    externalId,
    messageCount,
    lastMessageAt,
    createdAt,
    updatedAt,
  };
}

export class RecordMessage {
  /** `received` from the other party, or `sent` to it. */
  @IsIn(MESSAGE_DIRECTIONS)
  direction: MessageDirection;

  /** Who wrote it. Default: `contact` for what was received, `agent` for what was sent. */
  @MayBeAbsent()
  @IsIn(MESSAGE_AUTHORS)
  author?: MessageAuthor;

  /** `TEXT` (the default), `IMAGE` … */
  @MayBeAbsent()
  @Matches(/^[A-Z][A-Z0-9_]{0,49}$/, { message: 'type is a word in capitals, such as TEXT' })
  type?: string;

  @IsOptional()
  @IsText(10_000)
  text?: string | null;

  /** The provider's own id of it, such as `twilio:SM…`; no two messages of a conversation have the same. */
  @IsOptional()
  @IsExternalId()
  externalId?: string | null;

  /** Send it to the other party, through the connection its conversation came by or that its channel has. Default: it is recorded alone. */
  @MayBeAbsent()
  @IsBoolean()
  send?: boolean;

  /** Default: now. */
  @MayBeAbsent()
  @IsTime()
  sentAt?: Date;

  /** Anything of yours. */
  @MayBeAbsent()
  @IsMetadata()
  metadata?: Record<string, unknown>;
}

export class MessageQuery extends TimeRangeQuery {
  @MayBeAbsent()
  @IsIn(MESSAGE_DIRECTIONS)
  direction?: MessageDirection;

  @MayBeAbsent()
  @IsIn(MESSAGE_AUTHORS)
  author?: MessageAuthor;
}

export class MessageView {
  id: string;
  conversationId: string;
  direction: MessageDirection;
  author: MessageAuthor;
  type: string;
  text: string | null;
  externalId: string | null;
  sentAt: Date;
  metadata: Record<string, unknown>;
}

export function presentMessage(message: Message): MessageView {
  const { id, conversationId, direction, author, type, text, externalId, sentAt, metadata } = message;
  return { id, conversationId, direction, author, type, text, externalId, sentAt, metadata };
}
