import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { type ProviderAnswer, ProviderServer, type SeenRequest, type SentWebhook } from './provider-server.js';

export interface CalendlyEventRow {
  uri: string;
  name: string;
  status: 'active' | 'canceled';
  start_time: string;
  end_time: string;
  event_type: string;
  location: { type: string; location: string };
  created_at: string;
  updated_at: string;
  /** Not shown: they have a list of their own. */
  invitees: CalendlyInviteeRow[];
}

export interface CalendlyInviteeRow {
  uri: string;
  event: string;
  email: string;
  name: string;
  status: 'active' | 'canceled';
  timezone: string;
  text_reminder_number: string | null;
  rescheduled: boolean;
  old_invitee: string | null;
  new_invitee: string | null;
  cancel_url: string;
  reschedule_url: string;
  questions_and_answers: { question: string; answer: string; position: number }[];
  created_at: string;
  updated_at: string;
  cancellation?: { canceled_by: string; reason: string; canceler_type: 'host' | 'invitee'; created_at: string };
}

export interface CalendlyWebhookRow {
  uri: string;
  callback_url: string;
  state: 'active' | 'disabled';
  events: string[];
  scope: string;
  organization: string;
  user: string | null;
  /** Never answered. */
  signing_key: string | undefined;
}

const API = 'https://api.calendly.com';
const USER = `${API}/users/AAA`;
const ORGANIZATION = `${API}/organizations/ORG`;

/** Calendly's API v2: ids are URIs of its cloud, pages have tokens, webhooks exist only here (provider sheet §6). */
export class CalendlyServer extends ProviderServer {
  readonly token = `calendly-token-${randomBytes(8).toString('hex')}`;
  readonly events: CalendlyEventRow[] = [];
  readonly webhooks: CalendlyWebhookRow[] = [];
  /** False: the plan has no webhooks. */
  paid = true;
  /** What a page holds at the most. */
  pageSize = 100;

  static start(): Promise<CalendlyServer> {
    return new CalendlyServer().listen();
  }

  constructor() {
    super();
    const me = { uri: USER, current_organization: ORGANIZATION, email: 'dra@clinic.example', name: 'Dra. Lia' };
    this.on('GET', '/users/me', () => ({ body: { resource: { ...me, timezone: 'America/Sao_Paulo' } } }));
    this.on('GET', '/scheduled_events', ({ query }) => this.listEvents(query));
    this.on('GET', '/scheduled_events/:', (_, [id]) => this.onEvent(id, (event) => ({ resource: shown(event) })));
    this.on('POST', '/scheduled_events/:/cancellation', ({ json }, [id]) =>
      this.onEvent(id, (event) => ({ resource: this.cancel(event, json?.reason).cancellation })),
    );
    this.on('GET', '/scheduled_events/:/invitees', ({ query }, [id]) =>
      this.onEvent(id, ({ invitees }) => this.page(invitees, query)),
    );
    this.on('GET', '/scheduled_events/:/invitees/:', (_, [id, invitee]) =>
      this.onEvent(id, ({ invitees }) => ({ resource: invitees.find(({ uri }) => uri.endsWith(`/${invitee}`)) })),
    );
    this.on('GET', '/webhook_subscriptions', ({ query }) => this.listWebhooks(query));
    this.on('POST', '/webhook_subscriptions', ({ json }) => this.createWebhook(json));
    this.on('DELETE', '/webhook_subscriptions/:', (_, [id]) => this.removeWebhook(id as string));
  }

  /** Somebody books: the event is there, and nothing has been told yet (see emit). */
  book(
    invitee: Partial<CalendlyInviteeRow> & { email: string },
    start = '2026-03-05T14:00:00.000000Z',
  ): CalendlyInviteeRow {
    const now = this.now().toISOString();
    const uri = `${API}/scheduled_events/${randomUUID()}`;
    const id = randomUUID();
    const row: CalendlyInviteeRow = {
      uri: `${uri}/invitees/${id}`,
      event: uri,
      name: 'Maria Lima',
      status: 'active',
      timezone: 'America/Sao_Paulo',
      text_reminder_number: '+55 11 99999-0000',
      rescheduled: false,
      old_invitee: null,
      new_invitee: null,
      cancel_url: `https://calendly.com/cancellations/${id}`,
      reschedule_url: `https://calendly.com/reschedulings/${id}`,
      questions_and_answers: [],
      created_at: now,
      updated_at: now,
      ...invitee,
    };
    this.events.push({
      uri,
      name: 'Consulta',
      status: 'active',
      start_time: start,
      end_time: new Date(Date.parse(start) + 30 * 60_000).toISOString(),
      event_type: `${API}/event_types/ET`,
      location: { type: 'physical', location: 'Rua X' },
      created_at: now,
      updated_at: now,
      invitees: [row],
    });
    return row;
  }

  /** @returns its (first) invitee, cancelled */
  cancel(event: CalendlyEventRow, reason = ''): CalendlyInviteeRow {
    const [invitee] = event.invitees;
    if (!invitee) throw new Error('an event has an invitee');
    const created_at = this.now().toISOString();
    event.status = 'canceled';
    const cancellation = { canceled_by: invitee.name, reason, canceler_type: 'invitee' as const, created_at };
    return Object.assign(invitee, { status: 'canceled', updated_at: created_at, cancellation });
  }

  /** A reschedule is both: the invitee is cancelled, and there is a new one. Emit both. */
  reschedule(
    invitee: CalendlyInviteeRow,
    start: string,
  ): { canceled: CalendlyInviteeRow; created: CalendlyInviteeRow } {
    const { email, name } = invitee;
    const created = this.book({ email, name, old_invitee: invitee.uri }, start);
    const canceled = this.cancel(this.eventOf(invitee));
    Object.assign(canceled, { rescheduled: true, new_invitee: created.uri });
    return { canceled, created };
  }

  /** Tells every active webhook that wants it. @param name `invitee.created` */
  emit(name: string, invitee: CalendlyInviteeRow): Promise<SentWebhook[]> {
    const told = this.webhooks.filter(({ state, events }) => state === 'active' && events.includes(name));
    return Promise.all(told.map((webhook) => this.send(webhook, this.webhookBody(name, invitee))));
  }

  /** One delivery, also to a URL that is not registered; the same body twice is a repeat. */
  send(webhook: { callback_url: string; signing_key: string | undefined }, body: object): Promise<SentWebhook> {
    const text = JSON.stringify(body);
    const t = Math.floor(this.now().getTime() / 1000);
    const v1 = webhook.signing_key && createHmac('sha256', webhook.signing_key).update(`${t}.${text}`).digest('hex');
    return this.deliver(webhook.callback_url, text, v1 ? { 'Calendly-Webhook-Signature': `t=${t},v1=${v1}` } : {});
  }

  webhookBody(name: string, invitee: CalendlyInviteeRow): object {
    const scheduled_event = shown(this.eventOf(invitee));
    return {
      event: name,
      created_at: this.now().toISOString(),
      created_by: USER,
      payload: { ...invitee, scheduled_event },
    };
  }

  protected refuse(request: SeenRequest): ProviderAnswer | null {
    if (request.headers.authorization !== `Bearer ${this.token}`)
      return failure(401, 'Unauthenticated', 'The access token is invalid');
    if (!this.paid && request.path.startsWith('/webhook_subscriptions'))
      return failure(403, 'Permission Denied', 'Please upgrade your Calendly account to Standard');
    return null;
  }

  protected notFound(): ProviderAnswer {
    return failure(404, 'Resource Not Found', 'The server could not find the requested resource.');
  }

  private eventOf(invitee: CalendlyInviteeRow): CalendlyEventRow {
    const event = this.events.find(({ uri }) => uri === invitee.event);
    if (!event) throw new Error('an invitee has an event');
    return event;
  }

  private listEvents(query: URLSearchParams): ProviderAnswer {
    if (!query.get('user') && !query.get('organization'))
      return failure(400, 'Invalid Argument', 'The supplied parameters are invalid.');
    const [status, email, min] = ['status', 'invitee_email', 'min_start_time'].map((name) => query.get(name));
    const found = this.events
      .filter((event) => (status ?? event.status) === event.status && event.start_time >= (min ?? ''))
      .filter(({ invitees }) => !email || invitees.some((invitee) => invitee.email === email))
      .sort((a, b) => (a.start_time < b.start_time ? -1 : 1));
    return { body: this.page(found.map(shown), query) };
  }

  private page<T>(all: T[], query: URLSearchParams): object {
    const from = Number(query.get('page_token') ?? 0);
    const size = Math.min(Number(query.get('count') ?? 20), this.pageSize);
    const next_page_token = all.length > from + size ? String(from + size) : null;
    return { collection: all.slice(from, from + size), pagination: { count: size, next_page_token } };
  }

  private listWebhooks(query: URLSearchParams): ProviderAnswer {
    if (!query.get('organization') || !query.get('scope'))
      return failure(400, 'Invalid Argument', 'The supplied parameters are invalid.');
    const found = this.webhooks.filter(({ scope }) => scope === query.get('scope'));
    return { body: this.page(found.map(withoutKey), query) };
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the code under test has sent
  private createWebhook(json: any): ProviderAnswer {
    const { url, events, organization, user = null, scope, signing_key } = json;
    if (!String(url).startsWith('https://')) return failure(400, 'Invalid Argument', 'The url must be https');
    if (this.webhooks.some((one) => one.callback_url === url && one.scope === scope))
      return failure(409, 'Already Exists', 'Hook with this url already exists');
    const uri = `${API}/webhook_subscriptions/${randomUUID()}`;
    const webhook: CalendlyWebhookRow = {
      uri,
      callback_url: url,
      state: 'active',
      events,
      scope,
      organization,
      user,
      signing_key,
    };
    this.webhooks.push(webhook);
    return { status: 201, body: { resource: withoutKey(webhook) } };
  }

  private removeWebhook(id: string): ProviderAnswer {
    const at = this.webhooks.findIndex(({ uri }) => uri.endsWith(`/${id}`));
    if (at < 0) return this.notFound();
    this.webhooks.splice(at, 1);
    return { status: 204 };
  }

  private onEvent(id: string | undefined, act: (event: CalendlyEventRow) => object): ProviderAnswer {
    const event = this.events.find(({ uri }) => uri.endsWith(`/${id}`));
    return event ? { body: act(event) } : this.notFound();
  }
}

function shown({ invitees, ...event }: CalendlyEventRow) {
  return { ...event, invitees_counter: { total: invitees.length, active: invitees.length, limit: 1 } };
}

function withoutKey({ signing_key: _, ...webhook }: CalendlyWebhookRow) {
  return webhook;
}

function failure(status: number, title: string, message: string): ProviderAnswer {
  return { status, body: { title, message } };
}
