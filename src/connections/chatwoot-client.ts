import { e164 } from '../core/phone-number.js';
import { abilities, ability, lacking } from './ability-checks.js';
import { type ApiCall, ApiClient, path, type Transport } from './api-client.js';
import {
  type ChatwootContact,
  type ChatwootContactFields,
  type ChatwootConversation,
  type ChatwootMessage,
  type ChatwootWebhook,
  type ConversationQuery,
  contactBody,
  contactPage,
  type OutgoingMessage,
  takenValue,
  unwrapped,
} from './chatwoot-records.js';
import type { Ability, KnownWebhook, ProviderClient, RegisteredWebhook, WantedWebhook } from './provider-client.js';
import { orNull } from './provider-error.js';

export interface ChatwootAccess {
  baseUrl: string;
  apiAccessToken: string;
  accountId: number;
  /** New contacts and conversations are made in this inbox. */
  inboxId: number;
}

const ADMINISTRATOR = 'the access token of an administrator of the account';
const AGENT = 'the access token of an agent who may see the inbox';
const UNSIGNED =
  'This Chatwoot has no secret for its webhook (before 4.11.2) and does not sign. Update it, or set allowUnsigned in the settings of the source; then only its URL protects it.';

/** Chatwoot's API of one account (provider sheet §4). Its published description and its server differ in `payload`: both are read. */
export class ChatwootClient implements ProviderClient {
  private readonly api: ApiClient;
  private readonly account: string;

  constructor(
    transport: Transport,
    private readonly access: ChatwootAccess,
  ) {
    this.account = path`/api/v1/accounts/${access.accountId}`;
    this.api = new ApiClient(transport, {
      title: 'Chatwoot',
      baseUrl: access.baseUrl,
      // With underscores, which some proxies drop: nginx needs underscores_in_headers on.
      headers: () => ({ api_access_token: access.apiAccessToken }),
      secrets: [access.apiAccessToken],
      failureIn: takenValue,
    });
  }

  get inboxId(): number {
    return this.access.inboxId;
  }

  /** Whoever has the text in name, e-mail, phone or identifier; 15 on a page. Chatwoot finds parts of words: see findContact. */
  async searchContacts(q: string, page = 1): Promise<{ contacts: ChatwootContact[]; more: boolean }> {
    const query = { q, page, include_contact_inboxes: true };
    return contactPage(
      await this.call({ path: '/contacts/search', query, purpose: 'search contacts', permission: AGENT }),
    );
  }

  /** The contact with exactly this e-mail (in any case), else this phone, else this identifier. */
  async findContact(by: {
    email?: string | null;
    phone?: string | null;
    identifier?: string | null;
  }): Promise<ChatwootContact | null> {
    const email = by.email?.trim().toLowerCase();
    const phone = e164(by.phone);
    return (
      (email ? await this.searchExactly(email, (one) => one.email?.toLowerCase() === email) : null) ??
      (phone ? await this.searchExactly(phone, (one) => e164(one.phone_number) === phone) : null) ??
      (by.identifier ? await this.searchExactly(by.identifier, (one) => one.identifier === by.identifier) : null)
    );
  }

  /** All contacts, those with the latest activity first; 15 on a page. */
  async listContacts(page = 1): Promise<{ contacts: ChatwootContact[]; more: boolean }> {
    const query = { page, sort: '-last_activity_at', include_contact_inboxes: true };
    return contactPage(await this.call({ path: '/contacts', query, purpose: 'list contacts', permission: AGENT }));
  }

  async getContact(id: number): Promise<ChatwootContact | null> {
    const answer = await orNull(this.call({ path: path`/contacts/${id}`, purpose: 'read the contact' }));
    return answer === null ? null : unwrapped<ChatwootContact>(answer, 'contact');
  }

  /** In the connection's inbox. @throws ProviderError conflict when e-mail, phone or identifier are taken */
  async createContact(contact: ChatwootContactFields): Promise<ChatwootContact> {
    const answer = await this.call({
      method: 'POST',
      path: '/contacts',
      json: { inbox_id: this.access.inboxId, ...contactBody(contact) },
      purpose: 'create the contact',
      permission: AGENT,
    });
    return unwrapped<ChatwootContact>(answer, 'contact');
  }

  /** Absent fields stay; attributes are merged. @throws ProviderError conflict when a value is taken by another contact */
  async updateContact(id: number, changes: ChatwootContactFields): Promise<ChatwootContact> {
    const answer = await this.call({
      method: 'PUT',
      path: path`/contacts/${id}`,
      json: contactBody(changes),
      purpose: 'update the contact',
      permission: AGENT,
    });
    return unwrapped<ChatwootContact>(answer, 'contact');
  }

  /** With its conversations. Nothing happens when it is gone already. */
  async deleteContact(id: number): Promise<void> {
    const purpose = 'delete the contact';
    await orNull(this.call({ method: 'DELETE', path: path`/contacts/${id}`, purpose, permission: ADMINISTRATOR }));
  }

  async listContactConversations(contactId: number): Promise<ChatwootConversation[]> {
    const answer = await this.call({
      path: path`/contacts/${contactId}/conversations`,
      purpose: "list the contact's conversations",
    });
    return unwrapped<ChatwootConversation[]>(answer);
  }

  /** The id by which the inbox knows the contact, which a new conversation needs; makes the link when there is none. */
  async ensureContactInbox(contactId: number): Promise<string> {
    const contact = await this.getContact(contactId);
    const there = contact?.contact_inboxes?.find(({ inbox }) => inbox.id === this.access.inboxId);
    if (there) return there.source_id;
    const answer = await this.call({
      method: 'POST',
      path: path`/contacts/${contactId}/contact_inboxes`,
      json: { inbox_id: this.access.inboxId },
      purpose: 'add the contact to the inbox',
      permission: AGENT,
    });
    return unwrapped<{ source_id: string }>(answer).source_id;
  }

  /** 25 on a page; the latest activity first. */
  async listConversations(
    query: ConversationQuery = {},
  ): Promise<{ conversations: ChatwootConversation[]; total: number }> {
    const answer = await this.call({
      path: '/conversations',
      query: {
        status: query.status ?? 'all',
        assignee_type: 'all',
        inbox_id: query.inboxId,
        'labels[]': query.labels,
        page: query.page ?? 1,
      },
      purpose: 'list conversations',
      permission: AGENT,
    });
    const data = answer.data ?? answer;
    return { conversations: unwrapped<ChatwootConversation[]>(data), total: data.meta?.all_count ?? 0 };
  }

  getConversation(id: number): Promise<ChatwootConversation | null> {
    return orNull(this.call({ path: path`/conversations/${id}`, purpose: 'read the conversation' }));
  }

  /** In the connection's inbox. `sourceId` is what ensureContactInbox gives. */
  createConversation(input: {
    contactId: number;
    sourceId: string;
    status?: 'open' | 'pending';
    message?: OutgoingMessage;
    customAttributes?: Record<string, unknown>;
  }): Promise<ChatwootConversation> {
    const { contactId, sourceId, status, message, customAttributes } = input;
    return this.call({
      method: 'POST',
      path: '/conversations',
      json: {
        source_id: sourceId,
        inbox_id: this.access.inboxId,
        contact_id: contactId,
        status,
        custom_attributes: customAttributes,
        ...(message && { message: { content: message.content, template_params: message.templateParams } }),
      },
      purpose: 'start the conversation',
      permission: AGENT,
    });
  }

  /** The conversation to write to: the contact's newest in the inbox that is not resolved, else a new one. */
  async ensureConversation(contactId: number): Promise<ChatwootConversation> {
    const open = (await this.listContactConversations(contactId))
      .filter(({ inbox_id, status }) => inbox_id === this.access.inboxId && status !== 'resolved')
      .sort((a, b) => b.id - a.id);
    return open[0] ?? this.createConversation({ contactId, sourceId: await this.ensureContactInbox(contactId) });
  }

  /** Oldest first, the newest 20, or those before a message. */
  async listMessages(conversationId: number, before?: number): Promise<ChatwootMessage[]> {
    const answer = await this.call({
      path: path`/conversations/${conversationId}/messages`,
      query: { before },
      purpose: 'list the messages',
    });
    return unwrapped<ChatwootMessage[]>(answer);
  }

  sendMessage(conversationId: number, message: OutgoingMessage): Promise<ChatwootMessage> {
    return this.call({
      method: 'POST',
      path: path`/conversations/${conversationId}/messages`,
      json: {
        content: message.content,
        message_type: 'outgoing',
        private: message.private ?? false,
        content_attributes: message.contentAttributes,
        template_params: message.templateParams,
      },
      purpose: 'send the message',
      permission: AGENT,
    });
  }

  async setStatus(conversationId: number, status: ChatwootConversation['status']): Promise<void> {
    await this.change(conversationId, 'toggle_status', { status }, 'change the status of the conversation');
  }

  /** Replaces all labels. */
  async setLabels(conversationId: number, labels: readonly string[]): Promise<void> {
    await this.change(conversationId, 'labels', { labels }, 'label the conversation');
  }

  /** Replaces all custom attributes of the conversation. */
  async setConversationAttributes(conversationId: number, attributes: Record<string, unknown>): Promise<void> {
    await this.change(conversationId, 'custom_attributes', { custom_attributes: attributes }, 'set the attributes');
  }

  async assign(conversationId: number, to: { agentId: number | null } | { teamId: number | null }): Promise<void> {
    const json = 'agentId' in to ? { assignee_id: to.agentId } : { team_id: to.teamId };
    await this.change(conversationId, 'assignments', json, 'assign the conversation');
  }

  async check(): Promise<Ability[]> {
    const credentials = ability('credentials', 'The access token is accepted.', () => this.profile());
    return abilities(credentials, [
      () => ability('inbox', '', () => this.checkInbox()),
      () => ability('contacts', 'Contacts can be read.', () => this.listContacts()),
      () => ability('conversations', 'Conversations can be read.', () => this.listConversations()),
      () => ability('webhooks', 'Webhooks can be registered.', () => this.listWebhooks()),
    ]);
  }

  /** Chatwoot makes the secret, and tells it in its answer. */
  async registerWebhook(wanted: WantedWebhook): Promise<RegisteredWebhook> {
    const there = await this.listWebhooks();
    const same = there.find(({ id }) => String(id) === wanted.knownId) ?? there.find(({ url }) => url === wanted.url);
    const answer = await this.call({
      method: same ? 'PATCH' : 'POST',
      path: same ? path`/webhooks/${same.id}` : '/webhooks',
      json: { url: wanted.url, name: 'Posthaste', subscriptions: wanted.events },
      purpose: 'register the webhook',
      permission: ADMINISTRATOR,
    });
    const webhook = unwrapped<ChatwootWebhook>(answer, 'webhook');
    const secret = webhook.secret ?? same?.secret ?? null;
    return { id: String(webhook.id), ...(secret === null ? { note: UNSIGNED } : { secret }) };
  }

  async deleteWebhook({ id }: KnownWebhook): Promise<void> {
    if (id === null) return;
    const purpose = 'delete the webhook';
    await orNull(this.call({ method: 'DELETE', path: path`/webhooks/${id}`, purpose, permission: ADMINISTRATOR }));
  }

  async listWebhooks(): Promise<ChatwootWebhook[]> {
    const purpose = 'list its webhooks';
    return unwrapped(await this.call({ path: '/webhooks', purpose, permission: ADMINISTRATOR }), 'webhooks');
  }

  private async profile(): Promise<string> {
    const profile = await this.api.call({ path: '/api/v1/profile', purpose: 'say whose access token it is' });
    const accounts = (profile?.accounts ?? []) as { id: number; role: string }[];
    const ours = accounts.find(({ id }) => id === this.access.accountId);
    if (!ours) {
      throw lacking(
        `The access token is accepted, but not for account ${this.access.accountId}: it is of ${accounts.map(({ id }) => id).join(', ') || 'none'}. The number is in the address of Chatwoot's pages (/app/accounts/<number>).`,
      );
    }
    return `The access token is accepted; it is that of an ${ours.role} of the account.`;
  }

  private async checkInbox(): Promise<string> {
    const inbox = await orNull(
      this.call({ path: path`/inboxes/${this.access.inboxId}`, purpose: 'read the inbox', permission: AGENT }),
    );
    if (inbox) return `The inbox is there: ${inbox.name}.`;
    const { inboxId } = this.access;
    throw lacking(
      `There is no inbox ${inboxId} in this account. Its number is in the address of the inbox's settings.`,
    );
  }

  private searchExactly(q: string, is: (contact: ChatwootContact) => boolean): Promise<ChatwootContact | null> {
    return firstOnPages((page) => this.searchContacts(q, page), is);
  }

  private async change(conversationId: number, what: string, json: object, purpose: string): Promise<void> {
    const at = path`/conversations/${conversationId}/${what}`;
    // Each of these sets a state: to say it twice changes nothing.
    await this.call({ method: 'POST', path: at, json, purpose, permission: AGENT, repeatable: true });
  }

  // biome-ignore lint/suspicious/noExplicitAny: as in ApiClient
  private call(call: ApiCall): Promise<any> {
    return this.api.call({ ...call, path: this.account + call.path });
  }
}

/** A common word has many hits; an exact one is near the front. */
const MOST_PAGES = 5;

async function firstOnPages(
  read: (page: number) => Promise<{ contacts: ChatwootContact[]; more: boolean }>,
  is: (contact: ChatwootContact) => boolean,
): Promise<ChatwootContact | null> {
  for (let page = 1; page <= MOST_PAGES; page++) {
    const { contacts, more } = await read(page);
    const found = contacts.find(is);
    if (found || !more) return found ?? null;
  }
  return null;
}
