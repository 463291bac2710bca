import { abilities, ability } from './ability-checks.js';
import { type ApiCall, ApiClient, path, type Transport } from './api-client.js';
import type { Ability, KnownWebhook, ProviderClient, RegisteredWebhook, WantedWebhook } from './provider-client.js';
import { orNull } from './provider-error.js';

export interface CalcomAccess {
  /** With or without `/v2`. */
  baseUrl: string;
  apiKey: string;
}

export interface CalcomBooking {
  id: number;
  uid: string;
  title: string;
  status: 'accepted' | 'pending' | 'cancelled' | 'rejected';
  start: string;
  end: string;
  /** In minutes. */
  duration: number;
  eventTypeId: number;
  attendees: { name: string; email: string; timeZone: string; phoneNumber?: string; [field: string]: unknown }[];
  hosts: { id: number; name: string; email: string; [field: string]: unknown }[];
  metadata: Record<string, string>;
  cancellationReason?: string;
  rescheduledFromUid?: string;
  rescheduledToUid?: string;
  createdAt: string;
  updatedAt: string;
  [field: string]: unknown;
}

export interface NewCalcomBooking {
  start: Date;
  /** Either the id, or slug and user name (or team). */
  eventType: { id: number } | { slug: string; username: string } | { slug: string; teamSlug: string };
  attendee: { name: string; email: string; timeZone: string; language?: string; phoneNumber?: string };
  lengthInMinutes?: number;
  location?: Record<string, unknown>;
  /** At most 50, each at most 500 characters long. */
  metadata?: Record<string, string>;
  bookingFieldsResponses?: Record<string, unknown>;
}

export interface CalcomBookingQuery {
  status?: ('upcoming' | 'recurring' | 'past' | 'cancelled' | 'unconfirmed')[];
  attendeeEmail?: string;
  eventTypeId?: number;
  afterStart?: Date;
  beforeEnd?: Date;
  /** For finding what no webhook told. */
  afterUpdatedAt?: Date;
  /** At most 250. */
  take?: number;
  skip?: number;
}

export interface CalcomWebhook {
  id: string | number;
  subscriberUrl: string;
  triggers: string[];
  active: boolean;
}

/** Bookings answer in the shape of this version and in no other (provider sheet §5). */
const BOOKINGS = { 'cal-api-version': '2024-08-13' };
const SLOTS = { 'cal-api-version': '2024-09-04' };
const BOOKING_PERMISSION = 'an API key of a user who may see the event type';

/** Cal.com's API v2, in its cloud or one's own. 120 requests a minute are allowed to an API key. */
export class CalcomClient implements ProviderClient {
  private readonly api: ApiClient;

  constructor(transport: Transport, { baseUrl, apiKey }: CalcomAccess) {
    this.api = new ApiClient(transport, {
      title: 'Cal.com',
      baseUrl: `${baseUrl.replace(/(\/v\d)?\/*$/, '')}/v2`,
      headers: () => ({ authorization: `Bearer ${apiKey}` }),
      secrets: [apiKey],
      limit: { requests: 120, perMs: 60_000 },
    });
  }

  getMe(): Promise<{ id: number; username: string; email: string; timeZone: string; [field: string]: unknown }> {
    return this.data({ path: '/me', purpose: 'say whose API key it is' });
  }

  createBooking(booking: NewCalcomBooking): Promise<CalcomBooking> {
    const { start, eventType, ...rest } = booking;
    const of =
      'id' in eventType
        ? { eventTypeId: eventType.id }
        : { eventTypeSlug: eventType.slug, ...without(eventType, 'slug') };
    const json = { ...rest, ...of, start: start.toISOString() };
    return this.booking({ method: 'POST', path: '/bookings', json, purpose: 'create the booking' });
  }

  getBooking(uid: string): Promise<CalcomBooking | null> {
    return orNull(this.booking({ path: path`/bookings/${uid}`, purpose: 'read the booking' }));
  }

  /** `more`: there is a next page, after `skip + take`. */
  async listBookings(query: CalcomBookingQuery = {}): Promise<{ bookings: CalcomBooking[]; more: boolean }> {
    const { take = 100, skip = 0, status, afterStart, beforeEnd, afterUpdatedAt, ...rest } = query;
    const answer = await this.api.call({
      path: '/bookings',
      query: {
        ...rest,
        status: status?.join(','),
        afterStart: afterStart?.toISOString(),
        beforeEnd: beforeEnd?.toISOString(),
        afterUpdatedAt: afterUpdatedAt?.toISOString(),
        take,
        skip,
      },
      headers: BOOKINGS,
      purpose: 'list bookings',
      permission: BOOKING_PERMISSION,
    });
    const bookings = (answer.data ?? []) as CalcomBooking[];
    return { bookings, more: answer.pagination?.hasNextPage ?? bookings.length === take };
  }

  cancelBooking(uid: string, reason?: string): Promise<CalcomBooking> {
    const json = { cancellationReason: reason };
    return this.booking({
      method: 'POST',
      path: path`/bookings/${uid}/cancel`,
      json,
      purpose: 'cancel the booking',
    });
  }

  /** @returns the booking that takes its place, with another uid */
  rescheduleBooking(uid: string, start: Date, reason?: string): Promise<CalcomBooking> {
    const json = { start: start.toISOString(), reschedulingReason: reason };
    return this.booking({
      method: 'POST',
      path: path`/bookings/${uid}/reschedule`,
      json,
      purpose: 'reschedule the booking',
    });
  }

  /** Free times by day. */
  listSlots(query: { eventTypeId: number; start: Date; end: Date; timeZone?: string }) {
    const { start, end, ...rest } = query;
    return this.data<Record<string, { start: string; end?: string }[]>>({
      path: '/slots',
      query: { ...rest, start: start.toISOString(), end: end.toISOString() },
      headers: SLOTS,
      purpose: 'list free times',
    });
  }

  async check(): Promise<Ability[]> {
    const credentials = ability('credentials', '', async () => {
      const { email } = await this.getMe();
      return `The API key is accepted; it is that of ${email}.`;
    });
    return abilities(credentials, [
      () => ability('bookings', 'Bookings can be read.', () => this.listBookings({ take: 1 })),
      () => ability('webhooks', 'Webhooks can be registered.', () => this.listWebhooks()),
    ]);
  }

  async registerWebhook(wanted: WantedWebhook): Promise<RegisteredWebhook> {
    const there = await this.listWebhooks();
    const same =
      there.find(({ id }) => String(id) === wanted.knownId) ??
      there.find(({ subscriberUrl }) => subscriberUrl === wanted.url);
    const webhook = await this.data<CalcomWebhook>({
      method: same ? 'PATCH' : 'POST',
      path: same ? path`/webhooks/${same.id}` : '/webhooks',
      json: {
        active: true,
        subscriberUrl: wanted.url,
        triggers: wanted.events,
        ...(wanted.secret !== null && { secret: wanted.secret }),
      },
      purpose: 'register the webhook',
    });
    return { id: String(webhook.id) };
  }

  async deleteWebhook({ id }: KnownWebhook): Promise<void> {
    if (id === null) return;
    await orNull(this.data({ method: 'DELETE', path: path`/webhooks/${id}`, purpose: 'delete the webhook' }));
  }

  /** Of the user whose key it is, all of them. */
  async listWebhooks(): Promise<CalcomWebhook[]> {
    const take = 100;
    const all: CalcomWebhook[] = [];
    for (let skip = 0; ; skip += take) {
      const query = { take, skip };
      const page = await this.data<CalcomWebhook[]>({ path: '/webhooks', query, purpose: 'list its webhooks' });
      all.push(...page);
      if (page.length < take) return all;
    }
  }

  private booking(call: ApiCall): Promise<CalcomBooking> {
    return this.data({ ...call, headers: BOOKINGS, permission: BOOKING_PERMISSION });
  }

  private async data<T>(call: ApiCall): Promise<T> {
    const answer = await this.api.call(call);
    return (answer?.data ?? answer) as T;
  }
}

function without<T extends object>(value: T, name: keyof T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([own]) => own !== name)) as Partial<T>;
}
