import { Injectable } from '@nestjs/common';
import type { ChatwootClient } from '../connections/chatwoot-client.js';
import { ConnectionClients } from '../connections/connection-clients.js';
import type { ChatwootAi } from '../connections/connection-settings.dto.js';
import { Clock } from '../core/clock.js';
import { HANDOVER_WORDS, handoverWordIn } from '../core/handover.js';
import { fullName } from '../core/person-content.js';
import { ContactStore } from '../crm/contact.store.js';
import { type Conversation, ConversationStore } from '../crm/conversation.store.js';
import { type Message, MessageStore } from '../crm/message.store.js';
import { AiClient, type AiQuestion, type Said } from './ai-client.js';
import { AutomationTaskStore, type ClaimedTask } from './automation-task.store.js';
import { ChatwootMessenger } from './chatwoot-messenger.js';
import { HandOver } from './hand-over.js';
import type { TaskOutcome, TaskPerformer } from './task-performer.js';

interface AnswerTask {
  conversationId: string;
  /** Ours, and Chatwoot's, of the message to answer. */
  messageId: string;
  chatwootMessageId: number;
  /** It was found by comparing, long after it was written. */
  late: boolean;
}

const HOUR_MS = 3_600_000;
const DEFAULT_HISTORY = 20;
const DEFAULT_ANSWERS_PER_HOUR = 30;
const MAX_HISTORY_CHARACTERS = 12_000;

/**
 * Answers a message by the tenant's AI agent. Messages of one conversation are answered in turn; of several that came before the first
 * was answered, the last is answered, with all of them in view. Whatever goes wrong, a person is told.
 */
@Injectable()
export class AiAnswerer implements TaskPerformer {
  readonly kinds = ['ai.answer'];
  /** Somebody waits for the answer: soon a person is the better one. */
  readonly schedule = [0, 5, 30];

  constructor(
    private readonly clients: ConnectionClients,
    private readonly ai: AiClient,
    private readonly conversations: ConversationStore,
    private readonly messages: MessageStore,
    private readonly contacts: ContactStore,
    private readonly tasks: AutomationTaskStore,
    private readonly messenger: ChatwootMessenger,
    private readonly handOver: HandOver,
    private readonly clock: Clock,
  ) {}

  async perform(task: ClaimedTask): Promise<TaskOutcome> {
    const { tenantId } = task;
    const { conversationId, messageId } = task.payload as unknown as AnswerTask;
    const connected = await this.clients.find(tenantId, 'chatwoot');
    const ai = connected?.connection.settings.ai;
    if (!connected || !ai?.enabled) return { kind: 'skipped', why: 'The AI agent is switched off.' };
    const conversation = await this.conversations.find(tenantId, conversationId);
    if (!conversation?.aiEnabled) return { kind: 'skipped', why: SILENT };
    if (await this.tasks.hasLater(tenantId, task))
      return { kind: 'skipped', why: 'It is answered together with the message after it.' };
    const history = await this.history(tenantId, conversationId, messageId, ai);
    const asked = handoverWordIn(history.at(-1)?.text ?? '', ai.handoverWords ?? HANDOVER_WORDS);
    if (asked !== null) return this.toPerson(task, conversation, `The contact asks for a person ("${asked}").`);
    const most = ai.maxAnswersPerHour ?? DEFAULT_ANSWERS_PER_HOUR;
    const anHourAgo = new Date(this.clock.now().getTime() - HOUR_MS);
    if ((await this.tasks.countDone(tenantId, task, anHourAgo)) >= most)
      return this.toPerson(task, conversation, `The AI agent has answered ${most} times within an hour.`);
    return this.answer(task, conversation, connected.client, ai, history);
  }

  async giveUp(task: ClaimedTask, words: string): Promise<void> {
    const { conversationId } = task.payload as unknown as AnswerTask;
    const conversation = await this.conversations.find(task.tenantId, conversationId);
    if (conversation?.aiEnabled) await this.handOver.toPerson(task, conversation, words);
  }

  private async answer(
    task: ClaimedTask,
    conversation: Conversation,
    client: ChatwootClient,
    ai: ChatwootAi,
    history: Said[],
  ): Promise<TaskOutcome> {
    const { tenantId } = task;
    const there = Number(conversation.externalId?.replace('chatwoot:', ''));
    const { chatwootMessageId, late } = task.payload as unknown as AnswerTask;
    if ((late || task.attempt > 1) && (await isAnswered(client, there, chatwootMessageId)))
      return { kind: 'skipped', why: 'It has been answered meanwhile.' };
    const reply = await this.ai.ask(ai, await this.question(conversation, history));
    if (reply.kind === 'handover') return this.toPerson(task, conversation, 'The AI agent wants a person for this.');
    if (reply.kind === 'silence') return { kind: 'done', did: { answered: false } };
    // It may have thought for long: somebody may have taken over.
    if (!(await this.conversations.find(tenantId, conversation.id))?.aiEnabled) return { kind: 'skipped', why: SILENT };
    const { id } = await client.sendMessage(there, { content: reply.text });
    await this.messenger.recordSent(tenantId, conversation.id, { id, text: reply.text, author: 'ai' }, task);
    return { kind: 'done', did: { answered: true, chatwootMessageId: id } };
  }

  private async toPerson(task: ClaimedTask, conversation: Conversation, reason: string): Promise<TaskOutcome> {
    await this.handOver.toPerson(task, conversation, reason);
    return { kind: 'done', did: { answered: false, handedOver: reason } };
  }

  /** As much as fits, ending with the message to answer or a later one. */
  private async history(tenantId: string, conversationId: string, messageId: string, ai: ChatwootAi): Promise<Said[]> {
    const most = (ai.historyMessages ?? DEFAULT_HISTORY) + 1;
    const newest = await this.messages.list(tenantId, conversationId, {}, undefined, most);
    const from = newest.findIndex((message) => message.direction === 'received' || message.id === messageId);
    const said: Said[] = [];
    let characters = 0;
    for (const message of newest.slice(Math.max(from, 0))) {
      const one = saidIn(message);
      characters += one.text.length;
      if (said.length > 0 && characters > MAX_HISTORY_CHARACTERS) break;
      said.unshift(one);
    }
    return said;
  }

  private async question(conversation: Conversation, history: Said[]): Promise<AiQuestion> {
    const { id, tenantId, contactId, channel } = conversation;
    const contact = contactId ? await this.contacts.find(tenantId, contactId) : null;
    return {
      conversationId: id,
      contact: contact && {
        id: contact.id,
        name: fullName(contact),
        email: contact.email,
        phone: contact.phone,
        locale: contact.locale,
      },
      channel,
      history,
    };
  }
}

const SILENT = 'The AI agent is switched off in this conversation: a person has it.';

function saidIn({ direction, text, type, sentAt }: Message): Said {
  return { by: direction === 'received' ? 'contact' : 'us', text: text ?? `[${type}]`, at: sentAt };
}

/** Whether anybody has written to the contact after that message: an earlier try of ours, or a person. */
async function isAnswered(client: ChatwootClient, conversationId: number, messageId: number): Promise<boolean> {
  const messages = await client.listMessages(conversationId);
  return messages.some((message) => message.id > messageId && message.message_type === 1 && !message.private);
}
