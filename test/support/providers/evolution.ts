import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { type ProviderAnswer, ProviderServer, type SeenRequest, type SentWebhook } from './provider-server.js';

export interface EvolutionMessageRow {
  number: string;
  text: string;
  id: string;
}

interface EvolutionWebhookRow {
  enabled: boolean;
  url: string;
  headers: Record<string, string>;
  byEvents: boolean;
  base64: boolean;
  events: string[];
}

/** Evolution API with one instance, "clinica": it sends texts, and posts events with a token made of `jwt_key` (provider sheet §7). */
export class EvolutionServer extends ProviderServer {
  readonly apiKey = randomBytes(16).toString('hex');
  readonly instance = 'clinica';
  readonly messages: EvolutionMessageRow[] = [];
  webhook: EvolutionWebhookRow | null = null;
  state: 'open' | 'connecting' | 'close' = 'open';

  static start(): Promise<EvolutionServer> {
    return new EvolutionServer().listen();
  }

  constructor() {
    super();
    const { instance } = this;
    this.on('GET', `/instance/connectionState/${instance}`, () => ({
      body: { instance: { instanceName: instance, state: this.state } },
    }));
    this.on('POST', `/message/sendText/${instance}`, ({ json }) => this.sendText(json));
    this.on('GET', `/webhook/find/${instance}`, () => ({ body: this.webhook }));
    this.on('POST', `/webhook/set/${instance}`, ({ json }) => {
      this.webhook = json.webhook;
      return { status: 201, body: { id: randomUUID(), ...json.webhook } };
    });
  }

  /** Somebody writes to the number. */
  receive(from: string, text: string, more: object = {}): Promise<SentWebhook[]> {
    const message = {
      key: { remoteJid: `${from.replace(/\D/g, '')}@s.whatsapp.net`, fromMe: false, id: this.messageId() },
      pushName: 'Ana',
      status: 'DELIVERY_ACK',
      message: { conversation: text },
      messageType: 'conversation',
      messageTimestamp: Math.floor(this.now().getTime() / 1000),
      source: 'android',
      ...more,
    };
    return this.emit('messages.upsert', message);
  }

  /** Posts to the instance's webhook when it wants the event. @param event dotted and in lower case */
  async emit(event: string, data: object): Promise<SentWebhook[]> {
    const name = event.toUpperCase().replace(/[.-]/g, '_');
    const { webhook } = this;
    if (!webhook?.enabled || (webhook.events.length > 0 && !webhook.events.includes(name))) return [];
    return [await this.send(webhook, event, data)];
  }

  send(webhook: { url: string; headers: Record<string, string> }, event: string, data: object): Promise<SentWebhook> {
    const { jwt_key: key, ...headers } = webhook.headers;
    const body = {
      event,
      instance: this.instance,
      data,
      destination: webhook.url,
      date_time: this.now().toISOString(),
      sender: '5511888880000@s.whatsapp.net',
      server_url: this.url,
      apikey: null,
    };
    if (key) headers.Authorization = `Bearer ${this.token(key)}`;
    return this.deliver(webhook.url, JSON.stringify(body), headers);
  }

  protected refuse(request: SeenRequest): ProviderAnswer | null {
    return request.headers.apikey === this.apiKey ? null : failure(401, 'Unauthorized', 'Unauthorized');
  }

  protected notFound(): ProviderAnswer {
    return failure(404, 'Not Found', 'The instance does not exist');
  }

  private sendText(json: { number?: string; text?: string }): ProviderAnswer {
    const { number = '', text = '' } = json;
    if (this.state !== 'open') return failure(500, 'Internal Server Error', 'Connection Closed');
    if (!/^\d{8,15}$/.test(number)) return failure(400, 'Bad Request', `number ${number} does not exist on WhatsApp`);
    const id = this.messageId();
    this.messages.push({ number, text, id });
    const key = { remoteJid: `${number}@s.whatsapp.net`, fromMe: true, id };
    const messageTimestamp = Math.floor(this.now().getTime() / 1000);
    return { status: 201, body: { key, status: 'PENDING', message: { conversation: text }, messageTimestamp } };
  }

  private token(key: string): string {
    const iat = Math.floor(this.now().getTime() / 1000);
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { app: 'evolution', action: 'webhook', iat, exp: iat + 600 };
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
  }

  private messageId(): string {
    return `3EB0${randomBytes(8).toString('hex').toUpperCase()}`;
  }
}

function failure(status: number, error: string, message: string): ProviderAnswer {
  return { status, body: { status, error, response: { message: [message] } } };
}
