import { abilities, ability } from './ability-checks.js';
import { type ApiCall, ApiClient, path, type Transport } from './api-client.js';
import type { Ability, KnownWebhook, ProviderClient, RegisteredWebhook, WantedWebhook } from './provider-client.js';
import { orNull, ProviderError } from './provider-error.js';

export interface CalendlyAccess {
  baseUrl: string;
  token: string;
  /** Whose bookings a webhook tells of. */
  scope: 'user' | 'organization';
}

export interface CalendlyUser {
  /** Ids are whole addresses. */
  uri: string;
  current_organization: string;
  email: string;
  name: string;
  timezone: string;
  scheduling_url: string;
}

export interface CalendlyEvent {
  uri: string;
  name: string;
  status: 'active' | 'canceled';
  start_time: string;
  end_time: string;
  event_type: string;
  location?: { type: string; [field: string]: unknown } | null;
  created_at: string;
  updated_at: string;
  [field: string]: unknown;
}

export interface CalendlyInvitee {
  uri: string;
  email: string;
  name: string;
  status: 'active' | 'canceled';
  timezone: string | null;
  text_reminder_number?: string | null;
  rescheduled: boolean;
  old_invitee: string | null;
  new_invitee: string | null;
  questions_and_answers?: { question: string; answer: string; position: number }[];
  created_at: string;
  updated_at: string;
  [field: string]: unknown;
}

export interface CalendlyWebhook {
  uri: string;
  callback_url: string;
  state: 'active' | 'disabled';
  events: string[];
  scope: string;
}

export interface CalendlyPage<T> {
  items: T[];
  /** Give it as `pageToken` for the next page; null on the last. */
  next: string | null;
}

const WEBHOOK_PERMISSION = 'webhooks need a paid plan, and for the scope "organization" an owner or administrator';

/** Calendly's API v2 (provider sheet §6). Ids are URIs; the methods take those, or the last part of them. */
export class CalendlyClient implements ProviderClient {
  private readonly api: ApiClient;
  private user: CalendlyUser | null = null;

  constructor(
    transport: Transport,
    private readonly access: CalendlyAccess,
  ) {
    this.api = new ApiClient(transport, {
      title: 'Calendly',
      baseUrl: access.baseUrl,
      headers: () => ({ authorization: `Bearer ${access.token}` }),
      secrets: [access.token],
      failureIn: (body, status) => (status === 400 && /already exists/i.test(JSON.stringify(body)) ? 'conflict' : null),
    });
  }

  /** The token's user; asked for once. */
  async getMe(): Promise<CalendlyUser> {
    this.user ??= await this.resource<CalendlyUser>({ path: '/users/me', purpose: 'say whose token it is' });
    return this.user;
  }

  /** In the order of their start; of the scope the connection has. */
  async listScheduledEvents(
    query: {
      status?: 'active' | 'canceled';
      minStart?: Date;
      maxStart?: Date;
      inviteeEmail?: string;
      pageToken?: string;
    } = {},
  ): Promise<CalendlyPage<CalendlyEvent>> {
    const { status, minStart, maxStart, inviteeEmail, pageToken } = query;
    return this.page({
      path: '/scheduled_events',
      query: {
        ...(await this.owner()),
        status,
        min_start_time: minStart?.toISOString(),
        max_start_time: maxStart?.toISOString(),
        invitee_email: inviteeEmail,
        sort: 'start_time:asc',
        count: 100,
        page_token: pageToken,
      },
      purpose: 'list scheduled events',
    });
  }

  getScheduledEvent(event: string): Promise<CalendlyEvent | null> {
    const at = path`/scheduled_events/${idOf(event)}`;
    return orNull(this.resource({ path: at, purpose: 'read the scheduled event' }));
  }

  listInvitees(event: string, pageToken?: string): Promise<CalendlyPage<CalendlyInvitee>> {
    return this.page({
      path: path`/scheduled_events/${idOf(event)}/invitees`,
      query: { count: 100, page_token: pageToken },
      purpose: 'list the invitees',
    });
  }

  /** @param invitee its URI, `…/scheduled_events/<event>/invitees/<invitee>` */
  getInvitee(invitee: string): Promise<CalendlyInvitee | null> {
    const [, event = '', id = ''] = /scheduled_events\/([^/]+)\/invitees\/([^/?#]+)/.exec(invitee) ?? [];
    const at = path`/scheduled_events/${event}/invitees/${id}`;
    return orNull(this.resource({ path: at, purpose: 'read the invitee' }));
  }

  async cancelScheduledEvent(event: string, reason?: string): Promise<void> {
    await this.api.call({
      method: 'POST',
      path: path`/scheduled_events/${idOf(event)}/cancellation`,
      json: { reason },
      purpose: 'cancel the scheduled event',
    });
  }

  async check(): Promise<Ability[]> {
    const credentials = ability('credentials', '', async () => {
      const { email } = await this.getMe();
      return `The token is accepted; it is that of ${email}.`;
    });
    return abilities(credentials, [
      () => ability('bookings', 'Scheduled events can be read.', () => this.listScheduledEvents()),
      () => ability('webhooks', 'Webhooks can be registered.', () => this.listWebhooks()),
    ]);
  }

  /**
   * Calendly changes no subscription: one that is not as wanted, or was disabled after a day of failures, is deleted and made anew.
   * The key is never told again, so an existing one is always made anew, lest it sign with another key than the source has.
   */
  async registerWebhook(wanted: WantedWebhook): Promise<RegisteredWebhook> {
    if (!wanted.url.startsWith('https://')) {
      throw new ProviderError(
        'invalid',
        `Calendly only sends to https addresses, and this server is known as ${new URL(wanted.url).origin}. Set PUBLIC_URL to its public https address (a tunnel will do), or give "url".`,
      );
    }
    for (const there of await this.listWebhooks()) {
      if (there.uri === wanted.knownId || there.callback_url === wanted.url)
        await this.deleteWebhook({ id: there.uri });
    }
    const webhook = await this.resource<CalendlyWebhook>({
      method: 'POST',
      path: '/webhook_subscriptions',
      json: {
        url: wanted.url,
        events: wanted.events,
        ...(await this.owner(true)),
        scope: this.access.scope,
        signing_key: wanted.secret ?? undefined,
      },
      purpose: 'register the webhook',
      permission: WEBHOOK_PERMISSION,
    });
    return { id: webhook.uri };
  }

  async deleteWebhook({ id }: Pick<KnownWebhook, 'id'>): Promise<void> {
    if (id === null) return;
    const at = path`/webhook_subscriptions/${idOf(id)}`;
    const deleting = {
      method: 'DELETE',
      path: at,
      purpose: 'delete the webhook',
      permission: WEBHOOK_PERMISSION,
    } as const;
    await orNull(this.api.call(deleting));
  }

  /** Of the scope the connection has, all of them. */
  async listWebhooks(): Promise<CalendlyWebhook[]> {
    const all: CalendlyWebhook[] = [];
    for (let pageToken: string | undefined; ; ) {
      const { items, next } = await this.page<CalendlyWebhook>({
        path: '/webhook_subscriptions',
        query: { ...(await this.owner(true)), scope: this.access.scope, count: 100, page_token: pageToken },
        purpose: 'list its webhooks',
        permission: WEBHOOK_PERMISSION,
      });
      all.push(...items);
      if (next === null) return all;
      pageToken = next;
    }
  }

  /** Whose: events are of a user or an organisation, webhooks of an organisation and, in the scope of one, a user. */
  private async owner(always = false): Promise<{ organization?: string; user?: string }> {
    const { uri, current_organization } = await this.getMe();
    const ofUser = this.access.scope === 'user';
    return {
      ...((always || !ofUser) && { organization: current_organization }),
      ...(ofUser && { user: uri }),
    };
  }

  private async resource<T>(call: ApiCall): Promise<T> {
    return (await this.api.call<{ resource: T }>(call)).resource;
  }

  private async page<T>(call: ApiCall): Promise<CalendlyPage<T>> {
    const answer = await this.api.call(call);
    return { items: answer.collection ?? [], next: answer.pagination?.next_page_token ?? null };
  }
}

/** The last part of a URI, or the id itself. */
function idOf(uri: string): string {
  return uri.replace(/\/+$/, '').split('/').at(-1) ?? uri;
}
