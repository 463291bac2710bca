import { Injectable } from '@nestjs/common';
import { at, textOf, timeOf } from '../inbound-events/handlers/fields.js';
import type {
  Effects,
  HandledEvent,
  HandlerResult,
  InboundHandler,
} from '../inbound-events/handlers/inbound-handler.js';
import { EventConnections } from './event-connections.js';
import { TaskPlanner } from './task-planner.js';

/**
 * A Gmail push says which mailbox changed and up to where, and no more (provider sheet §8). Where the mailbox is connected it is read;
 * where it is not, sender, subject and text are left empty until somebody reads the mailbox from `history_id` on.
 */
@Injectable()
export class GmailNotificationHandler implements InboundHandler {
  readonly handles = ['google-pubsub:gmail.notification'];

  constructor(
    private readonly connections: EventConnections,
    private readonly planner: TaskPlanner,
  ) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const { tenantId } = event;
    const message = at(event.fields, 'message');
    const change = decoded(at(message, 'data'));
    const mailbox = textOf(at(change, 'emailAddress'));
    const historyId = textOf(at(change, 'historyId'));
    if (mailbox === null || historyId === null) return { kind: 'ignored', why: 'It names no mailbox and history.' };
    if (await this.connections.has(tenantId, 'gmail')) {
      const planned = await this.planner.plan(effects, tenantId, [
        {
          kind: 'gmail.read',
          key: `gmail.read:${mailbox}:${historyId}`,
          subject: `gmail:${mailbox}`,
          payload: { mailbox, historyId },
        },
      ]);
      return { kind: 'processed', did: { mailbox, historyId, planned } };
    }
    const messageId = textOf(at(message, 'messageId')) ?? textOf(at(message, 'message_id')) ?? historyId;
    const time = timeOf(at(message, 'publishTime') ?? at(message, 'publish_time'), event.receivedAt);
    effects.publish('email.received', {
      account_id: mailbox,
      message_id: messageId,
      subject: null,
      from: '',
      to: mailbox,
      text: null,
      received_at: time,
      history_id: historyId,
    });
    effects.publish('email.recebido', {
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
