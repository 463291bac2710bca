import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { type ProviderAnswer, ProviderServer, pageOf, type SeenRequest, type SentWebhook } from './provider-server.js';

export interface ChatwootContactRow {
  id: number;
  name: string;
  email: string | null;
  phone_number: string | null;
  identifier: string | null;
  blocked: boolean;
  custom_attributes: Record<string, unknown>;
  additional_attributes: Record<string, unknown>;
  contact_inboxes: { source_id: string; inbox: { id: number; name: string } }[];
  last_activity_at: number | null;
}

export interface ChatwootConversationRow {
  id: number;
  status: string;
  inbox_id: number;
  contact_id: number;
  labels: string[];
  custom_attributes: Record<string, unknown>;
  assignee_id: number | null;
  team_id: number | null;
  messages: ChatwootMessageRow[];
}

export interface ChatwootMessageRow {
  id: number;
  content: string;
  /** 0 incoming, 1 outgoing. */
  message_type: number;
  private: boolean;
  created_at: number;
  content_attributes: Record<string, unknown>;
  template_params?: unknown;
}

export interface ChatwootWebhookRow {
  id: number;
  url: string;
  name: string | null;
  subscriptions: string[];
  secret: string | undefined;
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/**
 * Chatwoot with one account (1) and two inboxes (1: WhatsApp, 2: Website). Contacts, conversations and messages; webhooks with a secret
 * of its own making (provider sheet §4).
 */
export class ChatwootServer extends ProviderServer {
  readonly apiAccessToken = `chatwoot-token-${randomBytes(8).toString('hex')}`;
  readonly accountId = 1;
  readonly inboxId = 1;
  readonly inboxes = [
    { id: 1, name: 'WhatsApp' },
    { id: 2, name: 'Website' },
  ];
  readonly contacts: ChatwootContactRow[] = [];
  readonly conversations: ChatwootConversationRow[] = [];
  readonly webhooks: ChatwootWebhookRow[] = [];
  role: 'administrator' | 'agent' = 'administrator';
  /** False: a Chatwoot before 4.11.2, which has no secrets and does not sign. */
  signs = true;
  /** Writes through the API are told to the registered webhooks too, as Chatwoot does. */
  echoes = false;
  private lastId = 100;

  static start(): Promise<ChatwootServer> {
    return new ChatwootServer().listen();
  }

  constructor() {
    super();
    const account = '/api/v1/accounts/1';
    this.on('GET', '/api/v1/profile', () => ({
      body: { id: 7, email: 'agent@clinic.example', accounts: [{ id: 1, name: 'Clinic', role: this.role }] },
    }));
    this.on('GET', `${account}/inboxes/:`, (_, [id]) => this.found(this.inboxes.find((one) => one.id === Number(id))));
    this.on('GET', `${account}/contacts`, ({ query }) =>
      this.contactPage(sorted(this.contacts, query.get('sort')), query),
    );
    this.on('GET', `${account}/contacts/search`, ({ query }) => this.search(query));
    this.on('POST', `${account}/contacts`, ({ json }) => this.createContact(json));
    this.on('GET', `${account}/contacts/:`, (_, [id]) => this.found(this.contact(id), (payload) => ({ payload })));
    this.on('PUT', `${account}/contacts/:`, ({ json }, [id]) => this.updateContact(this.contact(id), json));
    this.on('DELETE', `${account}/contacts/:`, (_, [id]) => this.removeContact(Number(id)));
    this.on('GET', `${account}/contacts/:/conversations`, (_, [id]) => ({
      body: {
        payload: this.conversations.filter((one) => one.contact_id === Number(id)).map((one) => this.shown(one)),
      },
    }));
    this.on('POST', `${account}/contacts/:/contact_inboxes`, ({ json }, [id]) => this.addInbox(this.contact(id), json));
    this.on('GET', `${account}/conversations`, ({ query }) => this.listConversations(query));
    this.on('POST', `${account}/conversations`, ({ json }) => this.createConversation(json));
    this.on('GET', `${account}/conversations/:`, (_, [id]) => this.onConversation(id, (one) => this.shown(one)));
    this.on('GET', `${account}/conversations/:/messages`, ({ query }, [id]) =>
      this.onConversation(id, ({ messages }) => ({ meta: {}, payload: before(messages, query.get('before')) })),
    );
    this.on('POST', `${account}/conversations/:/messages`, ({ json }, [id]) =>
      this.onConversation(id, (one) => this.addMessage(one, json)),
    );
    this.on('POST', `${account}/conversations/:/toggle_status`, ({ json }, [id]) =>
      this.onConversation(id, (one) => this.setStatus(one, json.status)),
    );
    this.on('POST', `${account}/conversations/:/labels`, ({ json }, [id]) =>
      this.onConversation(id, (one) => ({ payload: Object.assign(one, { labels: json.labels }).labels })),
    );
    this.on('POST', `${account}/conversations/:/custom_attributes`, ({ json }, [id]) =>
      this.onConversation(id, (one) => Object.assign(one, { custom_attributes: json.custom_attributes })),
    );
    this.on('POST', `${account}/conversations/:/assignments`, ({ json }, [id]) =>
      this.onConversation(id, (one) => Object.assign(one, json)),
    );
    this.on('GET', `${account}/webhooks`, () => ({ body: { payload: { webhooks: this.webhooks } } }));
    this.on('POST', `${account}/webhooks`, ({ json }) => this.createWebhook(json));
    this.on('PATCH', `${account}/webhooks/:`, ({ json }, [id]) => this.changeWebhook(Number(id), json));
    this.on('DELETE', `${account}/webhooks/:`, (_, [id]) => this.removeWebhook(Number(id)));
  }

  /** A contact that came by itself, such as by a first message. */
  addContact(fields: Partial<ChatwootContactRow>): ChatwootContactRow {
    const contact: ChatwootContactRow = {
      id: this.nextId(),
      name: '',
      email: null,
      phone_number: null,
      identifier: null,
      blocked: false,
      custom_attributes: {},
      additional_attributes: {},
      contact_inboxes: [],
      last_activity_at: this.seconds(),
      ...fields,
    };
    this.contacts.push(contact);
    return contact;
  }

  /** With its conversations; only administrators may. */
  private removeContact(id: number): ProviderAnswer {
    if (this.role !== 'administrator')
      return { status: 401, body: { error: 'You are not authorized to do this action' } };
    const index = this.contacts.findIndex((one) => one.id === id);
    if (index < 0) return { status: 404, body: { error: 'Resource could not be found' } };
    this.contacts.splice(index, 1);
    const kept = this.conversations.filter((one) => one.contact_id !== id);
    this.conversations.splice(0, this.conversations.length, ...kept);
    return { body: '' };
  }

  /** A conversation of a contact, without a message yet. */
  addConversation(contactId: number, fields: Partial<ChatwootConversationRow> = {}): ChatwootConversationRow {
    const conversation: ChatwootConversationRow = {
      id: this.nextId(),
      status: 'open',
      inbox_id: this.inboxId,
      contact_id: contactId,
      labels: [],
      custom_attributes: {},
      assignee_id: null,
      team_id: null,
      messages: [],
      ...fields,
    };
    this.conversations.push(conversation);
    return conversation;
  }

  /** The contact writes: the message is there, and message_created goes out. */
  async receive(conversation: ChatwootConversationRow, content: string): Promise<ChatwootMessageRow> {
    const message = this.newMessage({ content, message_type: 0 });
    conversation.messages.push(message);
    await this.emit('message_created', this.messageBody(conversation, message));
    return message;
  }

  /** Tells every webhook that wants it. @param body without `event` */
  emit(event: string, body: object): Promise<SentWebhook[]> {
    const told = this.webhooks.filter(({ subscriptions }) => subscriptions.includes(event));
    return Promise.all(told.map((webhook) => this.send(webhook, event, body)));
  }

  /** One delivery, also to a URL that is not registered. @param more another delivery id to repeat one that was sent */
  send(
    webhook: { url: string; secret: string | undefined },
    event: string,
    fields: object,
    more: { deliveryId?: string } = {},
  ): Promise<SentWebhook> {
    const body = JSON.stringify({ event, ...fields });
    const timestamp = String(this.seconds());
    const signature =
      webhook.secret && createHmac('sha256', webhook.secret).update(`${timestamp}.${body}`).digest('hex');
    return this.deliver(webhook.url, body, {
      'X-Chatwoot-Delivery': more.deliveryId ?? randomUUID(),
      ...(signature && { 'X-Chatwoot-Signature': `sha256=${signature}`, 'X-Chatwoot-Timestamp': timestamp }),
    });
  }

  /** As contact_created and contact_updated show it. */
  contactBody(contact: ChatwootContactRow): object {
    const { contact_inboxes: _, last_activity_at: __, ...shown } = contact;
    return { ...shown, account: { id: 1, name: 'Clinic' }, avatar: '', thumbnail: '' };
  }

  /** As message_created shows it. */
  messageBody(conversation: ChatwootConversationRow, message: ChatwootMessageRow): object {
    const contact = this.contacts.find(({ id }) => id === conversation.contact_id);
    return {
      id: message.id,
      content: message.content,
      content_type: 'text',
      content_attributes: message.content_attributes,
      message_type: ['incoming', 'outgoing', 'activity', 'template'][message.message_type],
      private: message.private,
      created_at: new Date(message.created_at * 1000).toISOString(),
      account: { id: 1, name: 'Clinic' },
      inbox: this.inboxes.find(({ id }) => id === conversation.inbox_id),
      sender: contact && { ...this.contactBody(contact), type: 'contact' },
      conversation: this.shown(conversation),
      attachments: [],
    };
  }

  protected refuse(request: SeenRequest): ProviderAnswer | null {
    if (request.headers.api_access_token !== this.apiAccessToken)
      return { status: 401, body: { error: 'Invalid Access Token' } };
    if (/^\/api\/v1\/accounts\/(?!1(\/|$))/.test(request.path))
      return { status: 401, body: { error: 'You are not authorized to access this account' } };
    if (this.role !== 'administrator' && request.path.endsWith('/webhooks'))
      return { status: 403, body: { error: 'You are not authorized to do this action' } };
    return null;
  }

  protected notFound(): ProviderAnswer {
    return { status: 404, body: { error: 'Resource could not be found' } };
  }

  private search(query: URLSearchParams): ProviderAnswer {
    const q = (query.get('q') ?? '').toLowerCase();
    const hits = this.contacts.filter(({ name, email, phone_number, identifier }) =>
      [name, email, phone_number, identifier].some((value) => value?.toLowerCase().includes(q)),
    );
    return this.contactPage(hits, query);
  }

  private contactPage(contacts: ChatwootContactRow[], query: URLSearchParams): ProviderAnswer {
    const page = Number(query.get('page') ?? 1);
    const { items, more } = pageOf(contacts, page, 15);
    return { body: { meta: { count: contacts.length, current_page: page, has_more: more }, payload: items } };
  }

  private createContact(json: Partial<ChatwootContactRow> & { inbox_id?: number }): ProviderAnswer {
    const { inbox_id, ...fields } = json;
    const taken = this.taken(fields, null);
    if (taken) return taken;
    const inbox = this.inboxes.find(({ id }) => id === inbox_id);
    const source_id = randomUUID();
    const contact = this.addContact({ ...fields, contact_inboxes: inbox ? [{ source_id, inbox }] : [] });
    if (this.echoes) void this.emit('contact_created', this.contactBody(contact));
    return { body: { payload: { contact, contact_inbox: { inbox, source_id } } } };
  }

  private updateContact(contact: ChatwootContactRow | undefined, json: Partial<ChatwootContactRow>): ProviderAnswer {
    if (!contact) return this.notFound();
    const taken = this.taken(json, contact.id);
    if (taken) return taken;
    const { custom_attributes, additional_attributes, ...rest } = json;
    Object.assign(contact, rest);
    Object.assign(contact.custom_attributes, custom_attributes);
    Object.assign(contact.additional_attributes, additional_attributes);
    if (this.echoes) void this.emit('contact_updated', { ...this.contactBody(contact), changed_attributes: [json] });
    return { body: { payload: contact } };
  }

  private taken(fields: Partial<ChatwootContactRow>, own: number | null): ProviderAnswer | null {
    const phone = fields.phone_number;
    if (phone && !/^\+[1-9]\d{1,14}$/.test(phone))
      return { status: 422, body: { message: 'Phone number should be in e164 format' } };
    for (const name of ['email', 'phone_number', 'identifier'] as const) {
      const value = fields[name]?.toLowerCase();
      if (value && this.contacts.some((one) => one.id !== own && one[name]?.toLowerCase() === value))
        return { status: 422, body: { message: `${name} has already been taken`, attributes: [name] } };
    }
    return null;
  }

  private addInbox(contact: ChatwootContactRow | undefined, json: { inbox_id: number }): ProviderAnswer {
    const inbox = this.inboxes.find(({ id }) => id === json.inbox_id);
    if (!contact || !inbox) return this.notFound();
    const link = { source_id: randomUUID(), inbox };
    contact.contact_inboxes.push(link);
    return { body: link };
  }

  private listConversations(query: URLSearchParams): ProviderAnswer {
    const status = query.get('status') ?? 'open';
    const inbox = query.get('inbox_id');
    const found = this.conversations.filter(
      (one) => (status === 'all' || one.status === status) && (inbox === null || one.inbox_id === Number(inbox)),
    );
    const { items } = pageOf([...found].reverse(), Number(query.get('page') ?? 1), 25);
    const payload = items.map((one) => this.shown(one));
    return { body: { data: { meta: { all_count: found.length }, payload } } };
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the code under test has sent
  private createConversation(json: any): ProviderAnswer {
    const contact = this.contact(json.contact_id);
    if (!contact?.contact_inboxes.some(({ source_id }) => source_id === json.source_id)) return this.notFound();
    const conversation = this.addConversation(contact.id, {
      inbox_id: json.inbox_id,
      status: json.status ?? 'open',
      custom_attributes: json.custom_attributes ?? {},
    });
    if (json.message) conversation.messages.push(this.newMessage({ ...json.message, message_type: 1 }));
    if (this.echoes) void this.emit('conversation_created', this.shown(conversation));
    return { body: this.shown(conversation) };
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the code under test has sent
  private addMessage(conversation: ChatwootConversationRow, json: any): object {
    const { content, private: hidden = false, content_attributes = {}, template_params } = json;
    const message = this.newMessage({ content, message_type: 1, private: hidden, content_attributes, template_params });
    conversation.messages.push(message);
    if (this.echoes) void this.emit('message_created', this.messageBody(conversation, message));
    return message;
  }

  private setStatus(conversation: ChatwootConversationRow, status: string): object {
    conversation.status = status;
    if (this.echoes) void this.emit('conversation_status_changed', this.shown(conversation));
    return { payload: { success: true, conversation_id: conversation.id, current_status: status } };
  }

  private createWebhook(json: Partial<ChatwootWebhookRow>): ProviderAnswer {
    if (this.webhooks.some(({ url }) => url === json.url))
      return { status: 422, body: { message: 'Url has already been taken', attributes: ['url'] } };
    const webhook: ChatwootWebhookRow = {
      id: this.nextId(),
      url: json.url ?? '',
      name: json.name ?? null,
      subscriptions: json.subscriptions ?? [],
      secret: this.signs ? Array.from(randomBytes(24), (byte) => BASE58[byte % 58]).join('') : undefined,
    };
    this.webhooks.push(webhook);
    return { body: { payload: { webhook } } };
  }

  private changeWebhook(id: number, json: Partial<ChatwootWebhookRow>): ProviderAnswer {
    const webhook = this.webhooks.find((one) => one.id === id);
    return webhook ? { body: { payload: { webhook: Object.assign(webhook, json) } } } : this.notFound();
  }

  private removeWebhook(id: number): ProviderAnswer {
    const at = this.webhooks.findIndex((one) => one.id === id);
    if (at < 0) return this.notFound();
    this.webhooks.splice(at, 1);
    return {};
  }

  private contact(id: string | number | undefined): ChatwootContactRow | undefined {
    return this.contacts.find((one) => one.id === Number(id));
  }

  private onConversation(id: string | undefined, act: (one: ChatwootConversationRow) => object): ProviderAnswer {
    const conversation = this.conversations.find((one) => one.id === Number(id));
    return conversation ? { body: act(conversation) } : this.notFound();
  }

  private found<T extends object>(row: T | undefined, shown: (row: T) => object = (one) => one): ProviderAnswer {
    return row ? { body: shown(row) } : this.notFound();
  }

  private shown({ contact_id, messages, ...conversation }: ChatwootConversationRow): object {
    const contact = this.contact(contact_id);
    return {
      ...conversation,
      channel: 'Channel::Whatsapp',
      can_reply: true,
      messages: messages.slice(-1),
      meta: { sender: contact && { ...this.contactBody(contact), type: 'contact' }, assignee: null },
      contact_inbox: { contact_id, inbox_id: conversation.inbox_id, pubsub_token: 'pubsub-secret' },
    };
  }

  private newMessage(fields: Partial<ChatwootMessageRow>): ChatwootMessageRow {
    const usual = { content: '', message_type: 0, private: false, content_attributes: {} };
    return { id: this.nextId(), created_at: this.seconds(), ...usual, ...fields };
  }

  private nextId(): number {
    this.lastId++;
    return this.lastId;
  }

  private seconds(): number {
    return Math.floor(this.now().getTime() / 1000);
  }
}

/** Those with the latest activity first, when that is asked for. */
function sorted(contacts: ChatwootContactRow[], sort: string | null): ChatwootContactRow[] {
  if (sort !== '-last_activity_at') return contacts;
  return [...contacts].sort((a, b) => (b.last_activity_at ?? 0) - (a.last_activity_at ?? 0));
}

function before(messages: ChatwootMessageRow[], id: string | null): ChatwootMessageRow[] {
  return messages.filter((message) => id === null || message.id < Number(id)).slice(-20);
}
