import { Injectable } from '@nestjs/common';
import { at, textOf, timeOf } from './fields.js';
import type { Effects, HandledEvent, HandlerResult, InboundHandler } from './inbound-handler.js';

/**
 * A Gmail push says which mailbox changed and up to where, and no more: sender, subject and text are left empty until somebody
 * reads the mailbox from `history_id` on (provider sheet §8).
 */
@Injectable()
export class GmailNotificationHandler implements InboundHandler {
  readonly handles = ['google-pubsub:gmail.notification'];

  async handle(event: HandledEvent, { publish }: Effects): Promise<HandlerResult> {
    const message = at(event.fields, 'message');
    const change = decoded(at(message, 'data'));
    const mailbox = textOf(at(change, 'emailAddress'));
    const historyId = textOf(at(change, 'historyId'));
    if (mailbox === null || historyId === null) return { kind: 'ignored', why: 'It names no mailbox and history.' };
    const messageId = textOf(at(message, 'messageId')) ?? textOf(at(message, 'message_id')) ?? historyId;
    const time = timeOf(at(message, 'publishTime') ?? at(message, 'publish_time'), event.receivedAt);
    publish('email.received', {
      account_id: mailbox,
      message_id: messageId,
      subject: null,
      from: '',
      to: mailbox,
      text: null,
      received_at: time,
      history_id: historyId,
    });
    publish('email.recebido', {
      contaId: mailbox,
      mensagemId: messageId,
      assunto: null,
      remetente: '',
      conteudo: null,
      recebidoEm: time,
      historyId,
    });
    return { kind: 'processed', did: { mailbox, historyId } };
  }
}

function decoded(data: unknown): unknown {
  try {
    return JSON.parse(Buffer.from(String(data), 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}
