import { Injectable } from '@nestjs/common';
import { type AppError, invalidField } from '../core/errors.js';
import { ContactTotalsStore } from './contact-totals.store.js';
import { ContactViewStore } from './contact-view.store.js';
import { type Conversation, ConversationStore, type ConversationValues } from './conversation.store.js';
import { changesBetween, conflicts, found, knownOrMade, unlessTaken, withoutUndefined } from './crm-rows.js';
import type { Write } from './crm-writer.js';
import { type Message, MessageStore, type MessageValues } from './message.store.js';

export type NewConversation = Partial<ConversationValues> & { channel: string };
export type NewMessage = Pick<MessageValues, 'direction'> & Partial<MessageValues>;

const FIELDS = ['contactId', 'externalId', 'party', 'title', 'isGroup', 'status', 'aiEnabled'] as const;

/**
 * Writes conversations and their messages as part of a transaction, keeps the contact's total, and tells of new ones. Shared by the
 * API and inbound handlers.
 */
@Injectable()
export class ConversationRecorder {
  constructor(
    private readonly store: ConversationStore,
    private readonly messages: MessageStore,
    private readonly contacts: ContactViewStore,
    private readonly totals: ContactTotalsStore,
  ) {}

  /**
   * Without a party it is the contact's number or address for the channel.
   * @throws AppError not_found (contact), invalid_request (nobody to write to on WhatsApp), conflict (external id)
   */
  async open(write: Write, tenantId: string, values: NewConversation): Promise<Conversation> {
    const conversation = await this.insert(write, tenantId, values);
    if (!conversation) throw externalIdTaken(values.externalId);
    return conversation;
  }

  /** @throws AppError not_found (conversation, contact), conflict (external id) */
  async update(
    write: Write,
    tenantId: string,
    id: string,
    change: Partial<Omit<ConversationValues, 'channel'>>,
  ): Promise<Conversation> {
    return this.apply(write, found(await this.store.lock(write.tx, tenantId, id), 'conversation', id), change);
  }

  /**
   * The conversation that a provider has under `externalId` (`chatwoot:42`): made when it is not known, else changed to what is said.
   * @param contactOf finds or makes its contact; asked when it has none
   */
  async upsert(
    write: Write,
    tenantId: string,
    externalId: string,
    said: NewConversation,
    contactOf: () => Promise<{ id: string } | null> = async () => null,
  ): Promise<{ conversation: Conversation; created: boolean }> {
    const withContact = async () => {
      const contact = said.contactId ? null : await contactOf();
      return contact ? { ...said, contactId: contact.id } : said;
    };
    const { row, made } = await knownOrMade(
      () => this.store.lockByExternalId(write.tx, tenantId, externalId),
      async () => this.insert(write, tenantId, { ...(await withContact()), externalId }),
    );
    if (made) return { conversation: row, created: true };
    const values = row.contactId ? said : await withContact();
    return { conversation: await this.apply(write, row, values), created: false };
  }

  /** With its messages. @throws AppError not_found */
  async delete(write: Write, tenantId: string, id: string): Promise<void> {
    const { tx } = write;
    const { contactId } = found(await this.store.lock(tx, tenantId, id), 'conversation', id);
    await this.totals.hold(tx, tenantId, [contactId]);
    await this.store.delete(tx, tenantId, id);
    await this.totals.recount(tx, tenantId, 'conversations', [contactId]);
  }

  /**
   * Adds a message; one that is received opens the conversation again. A message of the same external id is stored once and told once.
   * @returns `created` is false, with the message as it was stored, when it is known
   * @throws AppError not_found
   */
  async record(
    write: Write,
    tenantId: string,
    conversationId: string,
    { direction, externalId = null, ...said }: NewMessage,
  ): Promise<{ message: Message; conversation: Conversation; created: boolean }> {
    const { tx, now } = write;
    const row = await this.store.lock(tx, tenantId, conversationId);
    const current = found(row, 'conversation', conversationId);
    const message = await this.messages.create(tx, tenantId, conversationId, {
      direction,
      externalId,
      author: said.author ?? (direction === 'received' ? 'contact' : 'agent'),
      type: said.type ?? 'TEXT',
      text: said.text ?? null,
      sentAt: said.sentAt ?? now,
      metadata: said.metadata ?? {},
    });
    if (!message) {
      const stored = await this.messages.getByExternalId(tx, tenantId, conversationId, externalId as string);
      return { message: stored, conversation: current, created: false };
    }
    const { lastMessageAt } = current;
    const conversation = await this.store.update(
      tx,
      tenantId,
      conversationId,
      {
        messageCount: current.messageCount + 1,
        lastMessageAt: lastMessageAt && lastMessageAt > message.sentAt ? lastMessageAt : message.sentAt,
        ...(direction === 'received' && { status: 'open' }),
      },
      now,
    );
    write.tell({ kind: 'message-recorded', message, conversation });
    return { message, conversation, created: true };
  }

  private async insert(write: Write, tenantId: string, values: NewConversation): Promise<Conversation | null> {
    const { tx, now } = write;
    await this.totals.holdNamed(tx, tenantId, values.contactId);
    const party = values.party ?? (await this.partyOf(write, tenantId, values));
    if (values.channel === 'whatsapp' && !party)
      throw invalidField('/party', 'Give the party: the telephone number of the other side, with country code.');
    const conversation = await this.store.create(tx, tenantId, { ...values, party }, now);
    if (!conversation) return null;
    await this.totals.recount(tx, tenantId, 'conversations', [conversation.contactId]);
    write.tell({ kind: 'conversation-created', conversation });
    return conversation;
  }

  private async apply(write: Write, current: Conversation, said: Partial<ConversationValues>): Promise<Conversation> {
    const { tx, now } = write;
    const { tenantId, id } = current;
    const { channel: _channel, ...change } = withoutUndefined(said);
    const changes = changesBetween(current, change, FIELDS);
    if (Object.keys(changes).length === 0) return current;
    if (changes.contactId) {
      await this.totals.hold(tx, tenantId, [current.contactId, change.contactId ?? null]);
      await this.totals.holdNamed(tx, tenantId, change.contactId);
    }
    const conversation = await unlessTaken(this.store.update(tx, tenantId, id, change, now), () =>
      externalIdTaken(change.externalId),
    );
    if (changes.contactId)
      await this.totals.recount(tx, tenantId, 'conversations', [current.contactId, conversation.contactId]);
    return conversation;
  }

  private async partyOf({ tx }: Write, tenantId: string, values: NewConversation): Promise<string | null> {
    const contact = values.contactId ? await this.contacts.find(tx, tenantId, values.contactId) : null;
    if (!contact) return null;
    if (values.channel === 'email') return contact.email;
    const phone = values.channel === 'whatsapp' ? (contact.whatsappPhone ?? contact.phone) : contact.phone;
    return phone?.replace(/\D/g, '') || null;
  }
}

function externalIdTaken(externalId: string | null | undefined): AppError {
  return conflicts('/externalId', `There is a conversation with the external id "${externalId}" already.`);
}
