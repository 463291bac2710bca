import { createHmac, randomBytes } from 'node:crypto';
import { type ProviderAnswer, ProviderServer, type SeenRequest, type SentWebhook } from './provider-server.js';

export interface TwilioMessageRow {
  sid: string;
  status: string;
  to: string;
  from: string | null;
  body: string;
  media: string[];
  error_code: number | null;
  error_message: string | null;
}

/** Twilio's API: an account with a telephone number, messages, and signed callbacks as forms (provider sheet §8). */
export class TwilioServer extends ProviderServer {
  readonly accountSid = `AC${randomBytes(16).toString('hex')}`;
  readonly authToken = randomBytes(16).toString('hex');
  readonly numbers = [
    { sid: `PN${randomBytes(16).toString('hex')}`, phone_number: '+14155238886', sms_url: '', sms_method: 'POST' },
  ];
  readonly messages: TwilioMessageRow[] = [];
  status: 'active' | 'suspended' = 'active';

  static start(): Promise<TwilioServer> {
    return new TwilioServer().listen();
  }

  constructor() {
    super();
    const account = `/2010-04-01/Accounts/${this.accountSid}`;
    this.on('GET', `${account}.json`, () => ({
      body: { sid: this.accountSid, friendly_name: 'Clinic', status: this.status },
    }));
    this.on('POST', `${account}/Messages.json`, (request) => this.create(new URLSearchParams(request.body)));
    this.on('GET', `${account}/Messages/:.json`, (_, [sid]) =>
      this.found(this.messages.find((one) => one.sid === sid)),
    );
    this.on('GET', `${account}/IncomingPhoneNumbers.json`, ({ query }) => ({
      body: { incoming_phone_numbers: this.numbers.filter((one) => one.phone_number === query.get('PhoneNumber')) },
    }));
    this.on('GET', `${account}/IncomingPhoneNumbers/:.json`, (_, [sid]) => this.found(this.number(sid)));
    this.on('POST', `${account}/IncomingPhoneNumbers/:.json`, ({ body }, [sid]) => {
      const number = this.number(sid);
      const form = new URLSearchParams(body);
      return this.found(number && Object.assign(number, { sms_url: form.get('SmsUrl') ?? number.sms_url }));
    });
  }

  /** Somebody writes to us. @param from `whatsapp:+5511…` or `+5511…` */
  receive(url: string, from: string, body: string, more: Record<string, string> = {}): Promise<SentWebhook> {
    const channel = from.startsWith('whatsapp:') ? 'whatsapp:' : '';
    return this.send(url, {
      MessageSid: `SM${randomBytes(16).toString('hex')}`,
      AccountSid: this.accountSid,
      From: from,
      To: `${channel}${this.numbers[0]?.phone_number}`,
      Body: body,
      NumMedia: '0',
      ApiVersion: '2010-04-01',
      ...(channel && { ProfileName: 'Ana', WaId: from.replace(/\D/g, '') }),
      ...more,
    });
  }

  /** One callback, signed over the URL it was given and the sorted fields. */
  send(url: string, fields: Record<string, string>): Promise<SentWebhook> {
    const signed = Object.keys(fields)
      .sort()
      .map((name) => name + fields[name])
      .join('');
    return this.deliver(url, new URLSearchParams(fields).toString(), {
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Twilio-Signature': createHmac('sha1', this.authToken)
        .update(url + signed)
        .digest('base64'),
    });
  }

  protected refuse(request: SeenRequest): ProviderAnswer | null {
    const expected = Buffer.from(`${this.accountSid}:${this.authToken}`).toString('base64');
    if (request.headers.authorization === `Basic ${expected}`) return null;
    return failure(401, 20003, 'Authenticate');
  }

  protected notFound(): ProviderAnswer {
    return failure(404, 20404, 'The requested resource was not found');
  }

  private create(form: URLSearchParams): ProviderAnswer {
    const [to, from, body] = ['To', 'From', 'Body'].map((name) => form.get(name));
    if (!to || !/^(whatsapp:)?\+\d{7,15}$/.test(to)) return failure(400, 21211, `Invalid 'To' Phone Number: ${to}`);
    if (!from && !form.get('MessagingServiceSid')) return failure(400, 21603, "A 'From' phone number is required.");
    const message: TwilioMessageRow = {
      sid: `SM${randomBytes(16).toString('hex')}`,
      status: 'queued',
      to,
      from: from ?? null,
      body: body ?? '',
      media: form.getAll('MediaUrl'),
      error_code: null,
      error_message: null,
    };
    this.messages.push(message);
    return { status: 201, body: message };
  }

  private number(sid: string | undefined) {
    return this.numbers.find((one) => one.sid === sid);
  }

  private found(row: object | undefined): ProviderAnswer {
    return row ? { body: row } : this.notFound();
  }
}

function failure(status: number, code: number, message: string): ProviderAnswer {
  return { status, body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status } };
}
