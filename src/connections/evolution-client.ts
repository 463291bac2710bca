import { abilities, ability, lacking } from './ability-checks.js';
import { ApiClient, path, type Transport } from './api-client.js';
import type { Ability, ProviderClient, RegisteredWebhook, WantedWebhook } from './provider-client.js';

export interface EvolutionAccess {
  baseUrl: string;
  apiKey: string;
  instance: string;
}

export interface EvolutionMessage {
  /** With country, in any spelling. */
  number: string;
  text: string;
  /** "Is writing …" is shown for so long first. */
  delayMs?: number;
  linkPreview?: boolean;
  /** The message this one answers, by its key. */
  quoted?: { key: { id: string }; message: Record<string, unknown> };
}

export interface SentEvolutionMessage {
  key: { remoteJid: string; fromMe: boolean; id: string };
  status: string;
  messageTimestamp: number | string;
  [field: string]: unknown;
}

/** Evolution API, a WhatsApp of one's own, one instance of it (provider sheet §7). */
export class EvolutionClient implements ProviderClient {
  private readonly api: ApiClient;

  constructor(
    transport: Transport,
    private readonly access: EvolutionAccess,
  ) {
    this.api = new ApiClient(transport, {
      title: 'Evolution API',
      baseUrl: access.baseUrl,
      headers: () => ({ apikey: access.apiKey }),
      secrets: [access.apiKey],
    });
  }

  /** Not tried again when it may have been sent: a patient would get it twice. */
  sendText(message: EvolutionMessage): Promise<SentEvolutionMessage> {
    const { number, text, delayMs, linkPreview, quoted } = message;
    return this.api.call({
      method: 'POST',
      path: path`/message/sendText/${this.access.instance}`,
      json: { number: number.replace(/\D/g, ''), text, delay: delayMs, linkPreview, quoted },
      purpose: 'send the message',
    });
  }

  /** `open`: connected to WhatsApp; `connecting` and `close`: it cannot send. */
  async connectionState(): Promise<string> {
    const answer = await this.api.call({
      path: path`/instance/connectionState/${this.access.instance}`,
      purpose: `show the instance "${this.access.instance}"`,
    });
    return String(answer.instance?.state ?? answer.state);
  }

  async check(): Promise<Ability[]> {
    const state = this.connectionState();
    const credentials = ability('credentials', 'The API key is accepted, and the instance is there.', async () => {
      await state;
    });
    return abilities(credentials, [
      () =>
        ability('whatsapp', 'The instance is connected to WhatsApp.', async () => {
          if ((await state) !== 'open')
            throw lacking(`The instance is not connected to WhatsApp (${await state}): scan its QR code in Evolution.`);
        }),
      () => ability('webhooks', 'The webhook can be set.', () => this.findWebhook()),
    ]);
  }

  /** An instance has one webhook: setting it replaces what was there. Evolution signs with the token made of `jwt_key`. */
  async registerWebhook(wanted: WantedWebhook): Promise<RegisteredWebhook> {
    const before = await this.findWebhook();
    await this.setWebhook({
      enabled: true,
      url: wanted.url,
      headers: wanted.secret === null ? {} : { jwt_key: wanted.secret },
      byEvents: false,
      base64: false,
      events: wanted.events,
    });
    const replaced = before?.enabled && before.url && before.url !== wanted.url;
    return { id: null, ...(replaced && { note: `It took the place of the instance's webhook to ${before.url}.` }) };
  }

  async deleteWebhook({ url }: { url: string }): Promise<void> {
    const there = await this.findWebhook();
    if (there?.url !== url) return;
    await this.setWebhook({ enabled: false, url, headers: {}, byEvents: false, base64: false, events: [] });
  }

  /** Null when none was ever set. */
  async findWebhook(): Promise<{ enabled: boolean; url: string; events: string[] } | null> {
    return this.api.call({
      path: path`/webhook/find/${this.access.instance}`,
      purpose: 'show the webhook of the instance',
    });
  }

  private async setWebhook(webhook: object): Promise<void> {
    await this.api.call({
      method: 'POST',
      path: path`/webhook/set/${this.access.instance}`,
      json: { webhook },
      purpose: 'set the webhook',
      repeatable: true,
    });
  }
}
