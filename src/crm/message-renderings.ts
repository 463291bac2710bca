import { PROVIDER_NAMES } from '../core/provider-signatures/providers.js';
import { fullNameOf } from './flowkick-user.js';
import { type Rendering, rendering } from './rendering.js';

const OF_A_PROVIDER = new RegExp(`^(${[...PROVIDER_NAMES, 'gmail'].join('|')}):`);

/** Messages and conversations: `message.*` of the CRM vocabulary for every channel, `whatsapp.*` of the Portuguese one for WhatsApp. */
export const MESSAGE_RENDERINGS: readonly Rendering[] = [
  rendering('message-recorded', ['message.received', 'message.sent'], ({ message, conversation }) => {
    const { channel, party } = conversation;
    const data = {
      conversation_id: providersId(conversation),
      message_id: providersId(message),
      text: message.text,
      type: message.type,
      channel,
    };
    const at = message.sentAt.toISOString();
    return message.direction === 'received'
      ? [{ type: 'message.received', data: { ...data, from: party ?? '', received_at: at } }]
      : [{ type: 'message.sent', data: { ...data, to: party ?? '', sent_at: at } }];
  }),
  rendering(
    'message-recorded',
    ['whatsapp.mensagem.recebida', 'whatsapp.mensagem.enviada'],
    ({ message, conversation }) => {
      if (conversation.channel !== 'whatsapp') return [];
      const data = {
        conversaId: providersId(conversation),
        mensagemId: providersId(message),
        conteudo: message.text,
        tipo: message.type,
      };
      const [party, at] = [conversation.party ?? '', message.sentAt.toISOString()];
      return message.direction === 'received'
        ? [{ type: 'whatsapp.mensagem.recebida', data: { ...data, remetente: party, recebidoEm: at } }]
        : [{ type: 'whatsapp.mensagem.enviada', data: { ...data, destinatario: party, enviadoEm: at } }];
    },
  ),
  rendering('conversation-created', ['whatsapp.conversa.criada'], async ({ conversation }, context) => {
    if (conversation.channel !== 'whatsapp') return [];
    const { contactId, title, isGroup } = conversation;
    const contact = contactId ? await context.fullContact(contactId) : null;
    const data = {
      id: providersId(conversation),
      telefone: conversation.party ?? '',
      nome: (isGroup ? title : contact && fullNameOf(contact)) ?? title,
      isGroup,
      criadaEm: conversation.createdAt.toISOString(),
    };
    return [{ type: 'whatsapp.conversa.criada', data }];
  }),
];

/** The id where it came from, as its provider says it (`42` of `chatwoot:42`); ours when it came from nowhere else. */
function providersId({ id, externalId }: { id: string; externalId: string | null }): string {
  return externalId?.replace(OF_A_PROVIDER, '') ?? id;
}
