import { Injectable } from '@nestjs/common';
import { at, digitsOf, textOf, timeOf } from './fields.js';
import type { Effects, HandledEvent, HandlerResult, InboundHandler } from './inbound-handler.js';

/** A message that came or went through a messenger, whoever told us. */
interface Message {
  direction: 'received' | 'sent';
  conversationId: string;
  messageId: string;
  /** The other party: digits of a telephone number, or the name the channel has for it. */
  party: string;
  text: string | null;
  type: string;
  channel: string;
  at: string;
}

/**
 * Messages that providers tell of become events (product.md, decision 2): `message.received` and `message.sent`, and those on
 * WhatsApp `whatsapp.mensagem.recebida` and `whatsapp.mensagem.enviada` too.
 */
@Injectable()
export class MessagesHandler implements InboundHandler {
  readonly handles = [
    'chatwoot:message_created',
    'twilio:message.received',
    'twilio:message.sent',
    'evolution:messages.upsert',
  ];

  async handle(event: HandledEvent, { publish }: Effects): Promise<HandlerResult> {
    const message = READERS[event.source]?.(event);
    if (typeof message !== 'object') return { kind: 'ignored', why: message ?? 'No message was found in it.' };
    const { conversationId, messageId, party, text, type, channel, at: time } = message;
    const crm = { conversation_id: conversationId, message_id: messageId, text, type, channel };
    const portuguese = { conversaId: conversationId, mensagemId: messageId, conteudo: text, tipo: type };
    if (message.direction === 'received') {
      publish('message.received', { ...crm, from: party, received_at: time });
      if (channel === 'whatsapp')
        publish('whatsapp.mensagem.recebida', { ...portuguese, remetente: party, recebidoEm: time });
    } else {
      publish('message.sent', { ...crm, to: party, sent_at: time });
      if (channel === 'whatsapp')
        publish('whatsapp.mensagem.enviada', { ...portuguese, destinatario: party, enviadoEm: time });
    }
    return { kind: 'processed', did: { message: message.direction, channel } };
  }
}

/** The message in an event, or why there is none to tell of. */
const READERS: Record<string, (event: HandledEvent) => Message | string> = {
  twilio: ({ fields, receivedAt }) => {
    const id = textOf(at(fields, 'MessageSid')) ?? textOf(at(fields, 'SmsMessageSid'));
    const status = textOf(at(fields, 'MessageStatus')) ?? textOf(at(fields, 'SmsStatus')) ?? 'received';
    const direction = status === 'received' ? 'received' : 'sent';
    const party = textOf(at(fields, direction === 'received' ? 'From' : 'To'));
    if (id === null || party === null) return 'It has no MessageSid, From or To.';
    const number = digitsOf(party) ?? party;
    const media = textOf(at(fields, 'MediaContentType0'));
    return {
      direction,
      conversationId: textOf(at(fields, 'ConversationSid')) ?? number,
      messageId: id,
      party: number,
      text: textOf(at(fields, 'Body'), 10_000),
      type: media ? (media.split('/', 1)[0] as string).toUpperCase() : 'TEXT',
      channel: party.startsWith('whatsapp:') ? 'whatsapp' : 'sms',
      at: receivedAt.toISOString(),
    };
  },

  chatwoot: ({ fields, receivedAt }) => {
    const kind = at(fields, 'message_type');
    if (at(fields, 'private') === true) return 'A private note is not a message.';
    if (kind !== 'incoming' && kind !== 'outgoing' && kind !== 'template')
      return 'It is neither incoming nor outgoing.';
    const sender = kind === 'incoming' ? at(fields, 'sender') : at(fields, 'conversation', 'meta', 'sender');
    const attachment = at(fields, 'attachments');
    const [first] = Array.isArray(attachment) ? attachment : [];
    return {
      direction: kind === 'incoming' ? 'received' : 'sent',
      conversationId: textOf(at(fields, 'conversation', 'id')) ?? '',
      messageId: textOf(at(fields, 'id')) ?? '',
      party:
        digitsOf(at(sender, 'phone_number')) ??
        textOf(at(sender, 'identifier')) ??
        textOf(at(sender, 'email')) ??
        textOf(at(sender, 'id')) ??
        '',
      text: textOf(at(fields, 'content'), 10_000),
      type: (textOf(at(first, 'file_type')) ?? textOf(at(fields, 'content_type')) ?? 'text').toUpperCase(),
      channel: chatwootChannel(textOf(at(fields, 'conversation', 'channel'))),
      at: timeOf(at(fields, 'created_at'), receivedAt),
    };
  },

  evolution: ({ fields, receivedAt }) => {
    const data = at(fields, 'data');
    const id = textOf(at(data, 'key', 'id'));
    const remote = textOf(at(data, 'key', 'remoteJid'));
    if (id === null || remote === null) return 'It has no message key.';
    const kind = textOf(at(data, 'messageType')) ?? 'conversation';
    const text = textOf(at(data, 'message', 'conversation'), 10_000);
    return {
      direction: at(data, 'key', 'fromMe') === true ? 'sent' : 'received',
      conversationId: remote,
      messageId: id,
      party: digitsOf(remote) ?? remote,
      text: text ?? textOf(at(data, 'message', 'extendedTextMessage', 'text'), 10_000),
      type: /^(conversation|extendedTextMessage)$/.test(kind) ? 'TEXT' : kind.replace(/Message$/, '').toUpperCase(),
      channel: 'whatsapp',
      // `date_time` is local time with a false Z; this one is unix seconds.
      at: timeOf(at(data, 'messageTimestamp'), receivedAt),
    };
  },
};

/** WhatsApp reaches Chatwoot through its own channel, Twilio, or an API inbox (as Evolution does). */
function chatwootChannel(name: string | null): string {
  if (name === null || /whatsapp|api$|twilio/i.test(name)) return 'whatsapp';
  return name.replace(/^Channel::/, '').toLowerCase();
}
