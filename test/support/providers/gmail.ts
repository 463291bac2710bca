import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { type ProviderAnswer, ProviderServer, type SeenRequest, type SentWebhook } from './provider-server.js';

interface GmailMessageRow {
  id: string;
  threadId: string;
  historyId: number;
  labelIds: string[];
  internalDate: string;
  payload: object;
}

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/**
 * Gmail for one mailbox, Google's token endpoint (`/token`), the keys its pushes are signed with (`/certs`), and the push itself
 * (provider sheet §1 and §8). Give the source `jwks: gmail.jwks`, or GOOGLE_CERTS_URL.
 */
export class GmailServer extends ProviderServer {
  readonly mailbox = 'clinic@example.com';
  readonly client = { clientId: 'client.apps.example', clientSecret: randomBytes(12).toString('hex') };
  readonly refreshToken = `1//${randomBytes(12).toString('hex')}`;
  readonly pushServiceAccount = 'push@project.iam.gserviceaccount.com';
  readonly topic = 'projects/clinic/topics/gmail';
  readonly jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'test', alg: 'RS256', use: 'sig' }] };
  /** Messages sent through the API, decoded. */
  readonly outbox: string[] = [];
  /** What a token may do. */
  scopes = ['https://www.googleapis.com/auth/gmail.readonly', 'https://www.googleapis.com/auth/gmail.send'];
  /** The last `watch`; null: stopped, or never begun. */
  watching: { topicName: string; labelIds: string[] } | null = null;
  historyId = 1000;
  /** History before this is gone. */
  oldestHistoryId = 1;
  pageSize = 100;
  private readonly messages: GmailMessageRow[] = [];
  private readonly accessTokens = new Set<string>();

  static start(): Promise<GmailServer> {
    return new GmailServer().listen();
  }

  constructor() {
    super();
    for (const user of ['me', 'clinic%40example.com', 'clinic@example.com']) {
      const at = `/gmail/v1/users/${user}`;
      this.on('GET', `${at}/profile`, () => ({
        body: { emailAddress: this.mailbox, historyId: String(this.historyId), messagesTotal: this.messages.length },
      }));
      this.on('GET', `${at}/history`, ({ query }) => this.history(query));
      this.on('GET', `${at}/messages`, () => ({
        body: { messages: this.messages.map(({ id, threadId }) => ({ id, threadId })) },
      }));
      this.on('GET', `${at}/messages/:`, (_, [id]) => {
        const message = this.messages.find((one) => one.id === id);
        return message ? { body: message } : this.notFound();
      });
      this.on('POST', `${at}/messages/send`, ({ json }) => this.sendMail(json));
      this.on('POST', `${at}/watch`, ({ json }) => {
        this.watching = json;
        return {
          body: { historyId: String(this.historyId), expiration: String(this.now().getTime() + 7 * 86_400_000) },
        };
      });
      this.on('POST', `${at}/stop`, () => {
        this.watching = null;
        return { status: 204 };
      });
    }
    this.on('POST', '/token', ({ body }) => this.grant(new URLSearchParams(body)));
    this.on('GET', '/certs', () => ({ body: this.jwks, headers: { 'cache-control': 'max-age=3600' } }));
  }

  /** Tokens given so far end at once. */
  revokeAccessTokens(): void {
    this.accessTokens.clear();
  }

  /** A message arrives; nothing has been told yet (see push). @returns the history id before it, which a push of before had */
  receiveMail(mail: { from: string; subject: string; text: string; messageId?: string }): {
    id: string;
    historyIdBefore: string;
  } {
    const historyIdBefore = String(this.historyId);
    this.historyId += 10;
    const id = randomBytes(8).toString('hex');
    const headers = {
      From: mail.from,
      To: this.mailbox,
      Subject: mail.subject,
      'Message-ID': mail.messageId ?? `<${id}@mail.example>`,
    };
    this.messages.push({
      id,
      threadId: id,
      historyId: this.historyId,
      labelIds: ['INBOX', 'UNREAD'],
      internalDate: String(this.now().getTime()),
      payload: {
        mimeType: 'multipart/alternative',
        headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
        parts: [
          { mimeType: 'text/plain', body: { data: Buffer.from(mail.text).toString('base64url') } },
          { mimeType: 'text/html', body: { data: Buffer.from(`<p>${mail.text}</p>`).toString('base64url') } },
        ],
      },
    });
    return { id, historyIdBefore };
  }

  /** Pub/Sub posts that the mailbox changed, with a token of the service account for the URL. */
  push(url: string, historyId = this.historyId): Promise<SentWebhook> {
    const change = JSON.stringify({ emailAddress: this.mailbox, historyId });
    const publishTime = this.now().toISOString();
    const messageId = randomBytes(8).readBigUInt64BE().toString();
    const body = {
      message: { data: Buffer.from(change).toString('base64'), messageId, publishTime },
      subscription: 'projects/clinic/subscriptions/gmail',
    };
    return this.deliver(url, JSON.stringify(body), { Authorization: `Bearer ${this.pushToken(url)}` });
  }

  protected refuse(request: SeenRequest): ProviderAnswer | null {
    if (!request.path.startsWith('/gmail/')) return null;
    const token = String(request.headers.authorization ?? '').replace('Bearer ', '');
    if (!this.accessTokens.has(token))
      return failure(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.');
    const needed = request.path.endsWith('/send') ? 'gmail.send' : 'gmail.readonly';
    const allowed = this.scopes.some((scope) => scope.endsWith(needed) || scope.endsWith('gmail.modify'));
    return allowed ? null : failure(403, 'PERMISSION_DENIED', 'Request had insufficient authentication scopes.');
  }

  protected notFound(): ProviderAnswer {
    return failure(404, 'NOT_FOUND', 'Requested entity was not found.');
  }

  private grant(form: URLSearchParams): ProviderAnswer {
    const right =
      form.get('refresh_token') === this.refreshToken &&
      form.get('client_id') === this.client.clientId &&
      form.get('client_secret') === this.client.clientSecret;
    if (!right)
      return { status: 400, body: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' } };
    const access_token = `ya29.${randomBytes(12).toString('hex')}`;
    this.accessTokens.add(access_token);
    return { body: { access_token, expires_in: 3599, scope: this.scopes.join(' '), token_type: 'Bearer' } };
  }

  private history(query: URLSearchParams): ProviderAnswer {
    const start = Number(query.get('startHistoryId'));
    if (start < this.oldestHistoryId) return this.notFound();
    const found = this.messages.filter(({ historyId }) => historyId > start);
    const from = Number(query.get('pageToken') ?? 0);
    const history = found.slice(from, from + this.pageSize).map(({ historyId, id, threadId, labelIds }) => ({
      id: String(historyId),
      messagesAdded: [{ message: { id, threadId, labelIds } }],
    }));
    const more = found.length > from + this.pageSize;
    return {
      body: {
        history,
        historyId: String(this.historyId),
        ...(more && { nextPageToken: String(from + this.pageSize) }),
      },
    };
  }

  private sendMail(json: { raw: string; threadId?: string }): ProviderAnswer {
    this.outbox.push(Buffer.from(json.raw, 'base64url').toString('utf8'));
    const id = randomBytes(8).toString('hex');
    return { body: { id, threadId: json.threadId ?? id, labelIds: ['SENT'] } };
  }

  private pushToken(audience: string): string {
    const iat = Math.floor(this.now().getTime() / 1000);
    const claims = {
      iss: 'https://accounts.google.com',
      aud: audience,
      email: this.pushServiceAccount,
      email_verified: true,
      sub: '1',
      iat,
      exp: iat + 3600,
    };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${part({ alg: 'RS256', kid: 'test', typ: 'JWT' })}.${part(claims)}`;
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(privateKey, 'base64url')}`;
  }
}

function failure(code: number, status: string, message: string): ProviderAnswer {
  return { status: code, body: { error: { code, message, status } } };
}
