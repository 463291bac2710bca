import { abilities, ability, lacking } from './ability-checks.js';
import { ApiClient, path, type Transport } from './api-client.js';
import type { Ability, KnownWebhook, ProviderClient, RegisteredWebhook, WantedWebhook } from './provider-client.js';
import { ProviderError } from './provider-error.js';

export interface TwilioAccess {
  baseUrl: string;
  accountSid: string;
  authToken: string;
  /** `+14155238886` or `whatsapp:+14155238886`. */
  from: string | null;
  messagingServiceSid: string | null;
}

export interface TwilioMessage {
  /** `to` and `from` without a channel take that of the other; both without: SMS. */
  to: string;
  /** Default: the connection's. */
  from?: string;
  body?: string;
  mediaUrls?: readonly string[];
  /** An approved WhatsApp template, needed outside of WhatsApp's 24 hours. */
  contentSid?: string;
  contentVariables?: Record<string, string>;
  /** Where Twilio tells how it went. */
  statusCallback?: string;
}

export interface SentTwilioMessage {
  sid: string;
  status: string;
  to: string;
  from: string | null;
  body: string;
  error_code: number | null;
  error_message: string | null;
}

const WHATSAPP = 'whatsapp:';
const BY_HAND = (url: string) =>
  `Paste this URL in Twilio's console, where messages of the sender come in ("When a message comes in", POST): ${url}`;

/** Twilio's API for messages by SMS and WhatsApp (provider sheet §8). */
export class TwilioClient implements ProviderClient {
  private readonly api: ApiClient;
  private readonly account: string;

  constructor(
    transport: Transport,
    private readonly access: TwilioAccess,
  ) {
    const { accountSid, authToken } = access;
    const basic = Buffer.from(`${accountSid}:${authToken}`).toString('base64');
    this.account = path`/2010-04-01/Accounts/${accountSid}`;
    this.api = new ApiClient(transport, {
      title: 'Twilio',
      baseUrl: access.baseUrl,
      headers: () => ({ authorization: `Basic ${basic}` }),
      secrets: [authToken, basic],
    });
  }

  /** Not tried again when it may have been sent: a patient would get it twice. */
  sendMessage(message: TwilioMessage): Promise<SentTwilioMessage> {
    const from = message.from ?? this.access.from;
    const service = message.from === undefined ? this.access.messagingServiceSid : null;
    if (from === null && service === null)
      throw new ProviderError(
        'invalid',
        'Twilio did not send the message: it has no sender. Set "from" of the connection.',
      );
    const channel = [message.to, from].some((address) => address?.startsWith(WHATSAPP)) ? WHATSAPP : '';
    const addressed = (address: string) => (address.startsWith(channel) ? address : channel + address);
    const { body, contentSid, contentVariables, statusCallback } = message;
    return this.api.call({
      method: 'POST',
      path: `${this.account}/Messages.json`,
      form: {
        To: addressed(message.to),
        ...(service === null ? { From: addressed(from as string) } : { MessagingServiceSid: service }),
        Body: body,
        MediaUrl: message.mediaUrls,
        ContentSid: contentSid,
        ContentVariables: contentVariables && JSON.stringify(contentVariables),
        StatusCallback: statusCallback,
      },
      purpose: 'send the message',
    });
  }

  getMessage(sid: string): Promise<SentTwilioMessage> {
    return this.api.call({ path: `${this.account}${path`/Messages/${sid}.json`}`, purpose: 'read the message' });
  }

  async check(): Promise<Ability[]> {
    const credentials = ability('credentials', '', async () => {
      const account = await this.api.call({ path: `${this.account}.json`, purpose: 'show the account' });
      if (account.status !== 'active')
        throw lacking(`The credentials are accepted, but the account is ${account.status} and cannot send.`);
      return `The credentials are accepted; the account is "${account.friendly_name}".`;
    });
    return abilities(credentials, [() => ability('sender', '', () => this.checkSender())]);
  }

  /** A telephone number is told the URL; other senders only know it from Twilio's console. It signs with the account's token. */
  async registerWebhook(wanted: WantedWebhook): Promise<RegisteredWebhook> {
    const secret = this.access.authToken;
    const number = await this.findNumber();
    if (number === null) return { id: null, secret, note: BY_HAND(wanted.url) };
    await this.setSmsUrl(number, wanted.url);
    return { id: number, secret };
  }

  async deleteWebhook({ id, url }: KnownWebhook): Promise<void> {
    const number = id === null ? null : await this.findNumber();
    if (number === null || number !== id) return;
    const { sms_url } = await this.api.call({ path: this.numberPath(number), purpose: 'show the telephone number' });
    // Somebody may have pointed it elsewhere meanwhile.
    if (sms_url === url) await this.setSmsUrl(number, '');
  }

  private async checkSender(): Promise<string> {
    const { from, messagingServiceSid } = this.access;
    if (from === null && messagingServiceSid === null)
      throw lacking('There is no sender: set "from" or "messagingServiceSid" in the settings of the connection.');
    if (from === null || from.startsWith(WHATSAPP)) return `Messages are sent by ${from ?? messagingServiceSid}.`;
    if (await this.findNumber()) return `The sender is a number of the account: ${from}.`;
    throw lacking(`The account has no telephone number ${from}. Buy it in Twilio, or set another one as "from".`);
  }

  /** The id of the connection's telephone number in the account. */
  private async findNumber(): Promise<string | null> {
    const { from } = this.access;
    if (from === null || from.startsWith(WHATSAPP)) return null;
    const { incoming_phone_numbers: found } = await this.api.call({
      path: `${this.account}/IncomingPhoneNumbers.json`,
      query: { PhoneNumber: from },
      purpose: 'look up the telephone number',
    });
    return found[0]?.sid ?? null;
  }

  private async setSmsUrl(number: string, url: string): Promise<void> {
    await this.api.call({
      method: 'POST',
      path: this.numberPath(number),
      form: { SmsUrl: url, SmsMethod: 'POST' },
      purpose: 'set the URL of the telephone number',
      repeatable: true,
    });
  }

  private numberPath(number: string): string {
    return `${this.account}${path`/IncomingPhoneNumbers/${number}.json`}`;
  }
}
