import type { Message } from './message.store.js';
import { type Rendering, rendering } from './rendering.js';

/** Mail in the CRM vocabulary and the Portuguese one; like every message it is told as `message.*` too. */
export const EMAIL_RENDERINGS: readonly Rendering[] = [
  rendering('message-recorded', ['email.received', 'email.sent'], ({ message, conversation }) => {
    if (conversation.channel !== 'email') return [];
    const { accountId, subject, from, to } = mailOf(message, conversation);
    const data = { account_id: accountId, message_id: idOf(message), subject };
    const at = message.sentAt.toISOString();
    return message.direction === 'received'
      ? [{ type: 'email.received', data: { ...data, from, to, text: message.text, received_at: at } }]
      : [{ type: 'email.sent', data: { ...data, to, sent_at: at } }];
  }),
  rendering('message-recorded', ['email.recebido', 'email.enviado'], ({ message, conversation }) => {
    if (conversation.channel !== 'email') return [];
    const { accountId, subject, from, to } = mailOf(message, conversation);
    const data = { contaId: accountId, mensagemId: idOf(message), assunto: subject };
    const at = message.sentAt.toISOString();
    return message.direction === 'received'
      ? [{ type: 'email.recebido', data: { ...data, remetente: from, conteudo: message.text, recebidoEm: at } }]
      : [{ type: 'email.enviado', data: { ...data, destinatario: to, enviadoEm: at } }];
  }),
];

function mailOf({ direction, metadata }: Message, { party, title }: { party: string | null; title: string | null }) {
  const said = (name: string) => (typeof metadata[name] === 'string' ? (metadata[name] as string) : null);
  const accountId = said('accountId') ?? '';
  const other = party ?? '';
  return {
    accountId,
    subject: said('subject') ?? title,
    from: said('from') ?? (direction === 'received' ? other : accountId),
    to: said('to') ?? (direction === 'received' ? accountId : other),
  };
}

function idOf({ id, externalId }: Message): string {
  return externalId?.replace(/^gmail:/, '') ?? id;
}
