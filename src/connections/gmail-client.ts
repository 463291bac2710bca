import { abilities, ability, lacking } from './ability-checks.js';
import { type ApiCall, ApiClient, path, type Transport } from './api-client.js';
import { mailText, type OutgoingMail, type ReadMail, readMail } from './gmail-messages.js';
import { type GmailGrant, GmailTokens } from './gmail-tokens.js';
import type { Ability, ProviderClient, RegisteredWebhook, WantedWebhook } from './provider-client.js';
import { orNull, ProviderError } from './provider-error.js';

export interface GmailAccess {
  baseUrl: string;
  grant: GmailGrant;
  /** Null: the one the credentials belong to. */
  mailbox: string | null;
  /** `projects/<project>/topics/<topic>`. */
  topic: string | null;
}

export interface GmailHistory {
  /** Of messages that came since, oldest first, each once. */
  messageIds: string[];
  /** Continue from here the next time; it only grows. */
  historyId: string;
}

const READ = 'https://www.googleapis.com/auth/gmail.readonly';
const SEND = 'https://www.googleapis.com/auth/gmail.send';
const ALL = ['https://mail.google.com/', 'https://www.googleapis.com/auth/gmail.modify'];
const READ_PERMISSION = `the scope ${READ} (or gmail.modify)`;
const SEND_PERMISSION = `the scope ${SEND} (or gmail.modify)`;
const PUSH_BY_HAND = (url: string) =>
  `Gmail now tells the topic. In Google Cloud, create a push subscription of that topic to ${url}, with authentication by the service account named in the settings.`;

/** Gmail's API for one mailbox (provider sheet §8): what came since a push, reading and sending. */
export class GmailClient implements ProviderClient {
  private readonly api: ApiClient;
  private readonly tokens: GmailTokens;
  private readonly mailbox: string;

  constructor(
    transport: Transport,
    private readonly access: GmailAccess,
  ) {
    this.tokens = new GmailTokens(transport, access.grant);
    this.mailbox = path`/gmail/v1/users/${access.mailbox ?? 'me'}`;
    this.api = new ApiClient(transport, {
      title: 'Gmail',
      baseUrl: access.baseUrl,
      headers: async () => ({ authorization: `Bearer ${(await this.tokens.current()).value}` }),
      secrets: this.tokens.secrets,
      // Its per-minute limit is answered with 403.
      failureIn: (body, status) =>
        status === 403 && /rateLimitExceeded/i.test(JSON.stringify(body)) ? 'rate_limited' : null,
    });
  }

  getProfile(): Promise<{ emailAddress: string; historyId: string; messagesTotal: number }> {
    return this.call({ path: '/profile', purpose: 'show the mailbox', permission: READ_PERMISSION });
  }

  /**
   * What came after `startHistoryId`, which is that of the push before (not of this one).
   * @returns null when it is too old, about a week: start anew from getProfile's
   */
  async listHistory(startHistoryId: string): Promise<GmailHistory | null> {
    const messageIds = new Set<string>();
    for (let pageToken: string | undefined, historyId = startHistoryId; ; ) {
      const answer = await orNull(
        this.call({
          path: '/history',
          query: { startHistoryId, historyTypes: 'messageAdded', maxResults: 500, pageToken },
          purpose: 'say what came since',
          permission: READ_PERMISSION,
        }),
      );
      if (answer === null) return null;
      const added = (answer.history ?? []).flatMap((one: HistoryEntry) => one.messagesAdded ?? []) as AddedMessage[];
      for (const { message } of added) messageIds.add(message.id);
      historyId = String(answer.historyId ?? historyId);
      if (!answer.nextPageToken) return { messageIds: [...messageIds], historyId };
      pageToken = answer.nextPageToken;
    }
  }

  /** Null when it has been deleted. */
  async getMessage(id: string): Promise<ReadMail | null> {
    const call = { path: path`/messages/${id}`, query: { format: 'full' }, purpose: 'read the message' };
    const message = await orNull(this.call({ ...call, permission: READ_PERMISSION }));
    return message && readMail(message);
  }

  /** From the mailbox. Not tried again when it may have been sent. */
  async send(mail: OutgoingMail): Promise<{ id: string; threadId: string }> {
    const raw = Buffer.from(mailText(mail), 'utf8').toString('base64url');
    return this.call({
      method: 'POST',
      path: '/messages/send',
      json: { raw, threadId: mail.threadId },
      purpose: 'send the message',
      permission: SEND_PERMISSION,
    });
  }

  async check(): Promise<Ability[]> {
    const credentials = ability('credentials', '', async () => {
      const { emailAddress } = await this.getProfile();
      return `The credentials are accepted; the mailbox is ${emailAddress}.`;
    });
    return abilities(credentials, [
      () =>
        ability('read', 'Messages can be read.', () =>
          this.call({
            path: '/messages',
            query: { maxResults: 1 },
            purpose: 'list messages',
            permission: READ_PERMISSION,
          }),
        ),
      () => ability('send', '', () => this.checkSending()),
      () => ability('push', '', async () => this.checkPush()),
    ]);
  }

  /** Has Gmail tell the topic of new messages; it ends after 7 days and is renewed by doing it again (see webhook-renewer). */
  async registerWebhook(wanted: WantedWebhook): Promise<RegisteredWebhook> {
    this.checkPush();
    await this.call({
      method: 'POST',
      path: '/watch',
      json: { topicName: this.access.topic, labelIds: wanted.events, labelFilterBehavior: 'include' },
      purpose: 'watch the mailbox',
      permission: `${READ_PERMISSION}; and gmail-api-push@system.gserviceaccount.com must be a publisher of the topic`,
      repeatable: true,
    });
    return { id: null, note: PUSH_BY_HAND(wanted.url) };
  }

  async deleteWebhook(): Promise<void> {
    const purpose = 'stop watching the mailbox';
    await this.call({ method: 'POST', path: '/stop', purpose, permission: READ_PERMISSION, repeatable: true });
  }

  private async checkSending(): Promise<string> {
    const { scopes } = await this.tokens.current();
    if (scopes.length === 0) return 'Google does not say whether this token may send; the first message will show it.';
    if ([SEND, ...ALL].some((scope) => scopes.includes(scope))) return 'Messages can be sent.';
    throw lacking(`Gmail would not send: the credentials lack ${SEND_PERMISSION}. They have ${scopes.join(', ')}.`);
  }

  private checkPush(): string {
    if (this.access.topic !== null) return `Gmail can tell ${this.access.topic} of new messages.`;
    throw lacking(
      'There is no topic Gmail could tell of new messages: set "topic" and "pushServiceAccount" in the settings.',
    );
  }

  /** A token that was refused is replaced once: it may have been revoked before its time. */
  // biome-ignore lint/suspicious/noExplicitAny: as in ApiClient
  private async call(call: ApiCall): Promise<any> {
    const inMailbox = { ...call, path: this.mailbox + call.path };
    try {
      return await this.api.call(inMailbox);
    } catch (error) {
      const refused = error instanceof ProviderError && error.failure === 'unauthenticated' && error.status === 401;
      if (!refused || !this.tokens.forget()) throw error;
      return this.api.call(inMailbox);
    }
  }
}

interface AddedMessage {
  message: { id: string };
}
interface HistoryEntry {
  messagesAdded?: AddedMessage[];
}
