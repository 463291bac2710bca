import { Injectable } from '@nestjs/common';
import { ConnectionClients } from '../connections/connection-clients.js';
import type { ConnectionProviderName } from '../connections/connection-providers.js';
import { ProviderError } from '../connections/provider-error.js';
import { type Conversation, ConversationStore } from '../crm/conversation.store.js';
import { ConversationRecorder } from '../crm/conversation-recorder.js';
import { conflicts } from '../crm/crm-rows.js';
import { CrmWriter, type Write } from '../crm/crm-writer.js';
import { type Message, MessageStore } from '../crm/message.store.js';
import type { MessageCarrier } from '../crm/outgoing-messages.js';
import type { ClaimedTask } from './automation-task.store.js';
import { ChatwootMessenger } from './chatwoot-messenger.js';
import { originOf } from './task-origin.js';
import { TaskFailure, type TaskOutcome, type TaskPerformer } from './task-performer.js';
import { TaskPlanner } from './task-planner.js';

interface Sent {
  id: string;
  /** What the provider calls the conversation; null: it has a name already. */
  conversation: string | null;
  /** Kept with the message. */
  metadata?: Record<string, unknown>;
}

type Carrying = Extract<ConnectionProviderName, 'chatwoot' | 'evolution' | 'twilio' | 'gmail'>;

/** By what a channel can be reached, the first that is connected; a conversation that came by one is answered by it. */
const BY_CHANNEL: Record<string, readonly Carrying[]> = {
  whatsapp: ['evolution', 'twilio'],
  sms: ['twilio'],
  email: ['gmail'],
};

const UNKNOWN = 'It is not known whether it was sent. Look there, and try again if it was not.';

/** Sends what was written through the API: by Chatwoot, Evolution, Twilio or Gmail. It is told when the provider has taken it. */
@Injectable()
export class MessageSender implements TaskPerformer, MessageCarrier {
  readonly kinds = ['message.send'];

  constructor(
    private readonly clients: ConnectionClients,
    private readonly conversations: ConversationStore,
    private readonly recorder: ConversationRecorder,
    private readonly messages: MessageStore,
    private readonly messenger: ChatwootMessenger,
    private readonly planner: TaskPlanner,
    private readonly writer: CrmWriter,
  ) {}

  async plan(write: Write, conversation: Conversation, message: Message): Promise<void> {
    const { id, tenantId } = conversation;
    if (!message.text) throw conflicts('/text', 'Give the text to send.');
    const provider = await this.providerFor(conversation);
    await this.planner.plan(write, tenantId, [
      {
        kind: 'message.send',
        key: `message.send:${message.id}`,
        subject: `send:conversation:${id}`,
        payload: { conversationId: id, messageId: message.id, provider },
      },
    ]);
  }

  async perform(task: ClaimedTask): Promise<TaskOutcome> {
    const { tenantId } = task;
    const { conversationId, messageId, provider } = task.payload as {
      conversationId: string;
      messageId: string;
      provider: Carrying;
    };
    const conversation = await this.conversations.find(tenantId, conversationId);
    const message = await this.messages.find(tenantId, messageId);
    if (!conversation || !message) return { kind: 'skipped', why: 'The message is not here any more.' };
    const sent = await this.send(task, provider, conversation, message);
    await this.settle(task, provider, conversation, message, sent).catch((error: Error) => {
      throw new TaskFailure(
        `It was sent, as ${sent.id}, but that could not be recorded (${error.name}): do not send it again.`,
      );
    });
    return { kind: 'done', did: { provider, externalId: sent.id } };
  }

  private settle(task: ClaimedTask, provider: Carrying, conversation: Conversation, message: Message, sent: Sent) {
    return this.writer.write(task.tenantId, originOf(task, provider), async (write) => {
      const settled = await this.messages.settleSent(write.tx, message, {
        externalId: `${provider}:${sent.id}`,
        sentAt: write.now,
        metadata: { ...message.metadata, ...sent.metadata },
      });
      await this.name(write, conversation, sent.conversation && `${provider}:${sent.conversation}`);
      if (settled) write.tell({ kind: 'message-recorded', message: settled, conversation });
    });
  }

  /** A conversation that began here gets the name its answers will come by, unless there is one of that name. */
  private async name(write: Write, { tenantId, id, externalId }: Conversation, name: string | null): Promise<void> {
    if (externalId !== null || name === null) return;
    if (await this.conversations.lockByExternalId(write.tx, tenantId, name)) return;
    await this.recorder.update(write, tenantId, id, { externalId: name });
  }

  private async send(task: ClaimedTask, provider: Carrying, to: Conversation, message: Message): Promise<Sent> {
    const text = message.text ?? '';
    const party = to.party ?? '';
    if (provider === 'chatwoot') {
      const client = await this.clientOf(task.tenantId, provider);
      const { id } = await this.messenger.send(client, Number(idAt(to, provider)), text, task);
      return { id: String(id), conversation: null };
    }
    return this.once(task, async () => {
      if (provider === 'evolution') {
        const client = await this.clientOf(task.tenantId, provider);
        const { key } = await client.sendText({ number: party, text });
        return { id: key.id, conversation: key.remoteJid };
      }
      if (provider === 'twilio') {
        const client = await this.clientOf(task.tenantId, provider);
        const number = `+${party.replace(/\D/g, '')}`;
        const address = to.channel === 'whatsapp' ? `whatsapp:${number}` : number;
        const { sid } = await client.sendMessage({ to: address, body: text });
        return { id: sid, conversation: number.slice(1) };
      }
      const { client, connection } = await this.connected(task.tenantId, 'gmail');
      const accountId = connection.settings.mailbox ?? (await client.getProfile()).emailAddress;
      const subject = typeof message.metadata.subject === 'string' ? message.metadata.subject : (to.title ?? '');
      const threadId = idAt(to, 'gmail') ?? undefined;
      const inReplyTo = await this.messages.newestMailId(task.tenantId, to.id);
      const sent = await client.send({ to: party, subject, text, threadId, inReplyTo: inReplyTo ?? undefined });
      return { id: sent.id, conversation: sent.threadId, metadata: { accountId, subject } };
    });
  }

  /** These cannot be asked whether they have it: what may have been sent is not sent again by itself. */
  private async once(task: ClaimedTask, send: () => Promise<Sent>): Promise<Sent> {
    if (task.attempt > 1 && task.errorMessage === null)
      throw new TaskFailure(`The process ended while it was sent. ${UNKNOWN}`);
    try {
      return await send();
    } catch (error) {
      if (error instanceof ProviderError && error.failure === 'unavailable')
        throw new TaskFailure(`${error.message} ${UNKNOWN}`);
      throw error;
    }
  }

  private async clientOf<Name extends Carrying>(tenantId: string, provider: Name) {
    return (await this.connected(tenantId, provider)).client;
  }

  private async connected<Name extends Carrying>(tenantId: string, provider: Name) {
    const connected = await this.clients.find(tenantId, provider);
    if (connected) return connected;
    throw new TaskFailure(`There is no enabled connection to ${provider} any more.`);
  }

  private async providerFor(conversation: Conversation): Promise<Carrying> {
    const { tenantId, channel, externalId } = conversation;
    const own = /^(chatwoot|evolution|twilio|gmail):/.exec(externalId ?? '')?.[1] as Carrying | undefined;
    const candidates = own ? [own] : (BY_CHANNEL[channel] ?? []);
    for (const provider of candidates) if (await this.clients.find(tenantId, provider)) return provider;
    const wanted = candidates.join(' or ') || 'a provider';
    throw conflicts('/send', `Nothing is connected that could send on "${channel}": connect ${wanted} first.`);
  }
}

/** The conversation's id at a provider, when it is one of that provider's. */
function idAt({ externalId }: Conversation, provider: Carrying): string | null {
  return externalId?.startsWith(`${provider}:`) ? externalId.slice(provider.length + 1) : null;
}
