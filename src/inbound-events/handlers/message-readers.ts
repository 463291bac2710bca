import { at, digitsOf, emailIn, textOf, timeOf } from './fields.js';
import type { HandledEvent } from './inbound-handler.js';

/** A message that came or went through a messenger, as its provider tells it. */
export interface ProviderMessage {
  direction: 'received' | 'sent';
  /** Who wrote a message that was sent. */
  author?: 'agent' | 'ai';
  conversationId: string;
  messageId: string;
  /** The other party: digits of a telephone number, or the name the channel has for it. */
  party: string;
  /** What else is known of the other party. */
  name: string | null;
  /** E.164. */
  phone: string | null;
  email: string | null;
  isGroup: boolean;
  text: string | null;
  type: string;
  channel: string;
  at: string;
}

/** The message in an event, or why there is none to tell of. */
export function messageIn(event: HandledEvent): ProviderMessage | string {
  const message = READERS[event.source]?.(event) ?? 'No message was found in it.';
  if (typeof message === 'string') return message;
  if (message.conversationId === '' || message.messageId === '') return 'It has no id of a conversation and a message.';
  return message.party === '' ? 'It does not say who the other side is.' : message;
}

const READERS: Record<string, (event: HandledEvent) => ProviderMessage | string> = {
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
      name: direction === 'received' ? textOf(at(fields, 'ProfileName'), 200) : null,
      phone: phoneOf(number),
      email: null,
      isGroup: false,
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
    const number = digitsOf(at(sender, 'phone_number'));
    return {
      direction: kind === 'incoming' ? 'received' : 'sent',
      author: at(fields, 'sender', 'type') === 'agent_bot' ? 'ai' : 'agent',
      conversationId: textOf(at(fields, 'conversation', 'id')) ?? '',
      messageId: textOf(at(fields, 'id')) ?? '',
      party:
        number ?? textOf(at(sender, 'identifier')) ?? textOf(at(sender, 'email')) ?? textOf(at(sender, 'id')) ?? '',
      name: textOf(at(sender, 'name'), 200),
      phone: phoneOf(number),
      email: emailIn(at(sender, 'email')),
      isGroup: false,
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
    const sent = at(data, 'key', 'fromMe') === true;
    const isGroup = remote.endsWith('@g.us');
    return {
      direction: sent ? 'sent' : 'received',
      conversationId: remote,
      messageId: id,
      party: digitsOf(remote) ?? remote,
      // In a group it is the name of who wrote, and not of the group.
      name: sent || isGroup ? null : textOf(at(data, 'pushName'), 200),
      // `@lid` and `@g.us` are numbers too, of no telephone.
      phone: /@(s\.whatsapp\.net|c\.us)$/.test(remote) ? phoneOf(digitsOf(remote)) : null,
      email: null,
      isGroup,
      text: text ?? textOf(at(data, 'message', 'extendedTextMessage', 'text'), 10_000),
      type: /^(conversation|extendedTextMessage)$/.test(kind) ? 'TEXT' : kind.replace(/Message$/, '').toUpperCase(),
      channel: 'whatsapp',
      // `date_time` is local time with a false Z; this one is unix seconds.
      at: timeOf(at(data, 'messageTimestamp'), receivedAt),
    };
  },
};

/** WhatsApp reaches Chatwoot through its own channel, Twilio, or an API inbox (as Evolution does). */
export function chatwootChannel(name: string | null): string {
  if (name === null || /whatsapp|api$|twilio/i.test(name)) return 'whatsapp';
  return name.replace(/^Channel::/, '').toLowerCase();
}

/** Providers give numbers with their country code; what is shorter or longer than one can be is a name of the channel's. */
function phoneOf(digits: string | null): string | null {
  return digits !== null && /^\d{8,15}$/.test(digits) ? `+${digits}` : null;
}
