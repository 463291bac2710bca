import { createHmac, randomBytes } from 'node:crypto';
import { type ProviderAnswer, ProviderServer, type SeenRequest, type SentWebhook } from './provider-server.js';

export interface CalcomBookingRow {
  id: number;
  uid: string;
  title: string;
  status: 'accepted' | 'pending' | 'cancelled' | 'rejected';
  start: string;
  end: string;
  duration: number;
  eventTypeId: number;
  attendees: { name: string; email: string; timeZone: string; phoneNumber?: string | null }[];
  hosts: { id: number; name: string; email: string }[];
  metadata: Record<string, string>;
  cancellationReason?: string;
  rescheduledFromUid?: string;
  rescheduledToUid?: string;
  createdAt: string;
  updatedAt: string;
}

export interface CalcomWebhookRow {
  id: string;
  subscriberUrl: string;
  triggers: string[];
  active: boolean;
  secret: string | null;
}

const VERSION = '2024-08-13';

/** Cal.com's API v2: bookings, which answer only to their API version, and webhooks (provider sheet §5). */
export class CalcomServer extends ProviderServer {
  readonly apiKey = `cal_live_${randomBytes(8).toString('hex')}`;
  readonly bookings: CalcomBookingRow[] = [];
  readonly webhooks: CalcomWebhookRow[] = [];
  /** The key may not read bookings. */
  deniesBookings = false;
  private lastId = 900;

  static start(): Promise<CalcomServer> {
    return new CalcomServer().listen();
  }

  constructor() {
    super();
    this.on('GET', '/v2/me', () =>
      data({ id: 5, username: 'lia', email: 'lia@clinic.example', timeZone: 'America/Sao_Paulo' }),
    );
    this.on('GET', '/v2/bookings', ({ query }) => this.list(query));
    this.on('POST', '/v2/bookings', ({ json }) => this.book(json));
    this.on('GET', '/v2/bookings/:', (_, [uid]) => this.onBooking(uid, (booking) => booking));
    this.on('POST', '/v2/bookings/:/cancel', ({ json }, [uid]) =>
      this.onBooking(uid, (one) => this.cancel(one, json?.cancellationReason)),
    );
    this.on('POST', '/v2/bookings/:/reschedule', ({ json }, [uid]) =>
      this.onBooking(uid, (one) => this.reschedule(one, json.start)),
    );
    this.on('GET', '/v2/slots', () => data({ '2026-03-02': [{ start: '2026-03-02T12:00:00.000Z' }] }));
    this.on('GET', '/v2/webhooks', ({ query }) => {
      const skip = Number(query.get('skip') ?? 0);
      return data(this.webhooks.slice(skip, skip + Number(query.get('take') ?? 250)));
    });
    this.on('POST', '/v2/webhooks', ({ json }) => this.createWebhook(json));
    this.on('PATCH', '/v2/webhooks/:', ({ json }, [id]) =>
      this.onWebhook(id, (webhook) => Object.assign(webhook, json)),
    );
    this.on('DELETE', '/v2/webhooks/:', (_, [id]) =>
      this.onWebhook(id, (webhook) => this.webhooks.splice(this.webhooks.indexOf(webhook), 1)[0]),
    );
  }

  /** A patient books: the booking is there, and nothing has been told yet (see emit). */
  addBooking(fields: Partial<CalcomBookingRow> & { start: string }): CalcomBookingRow {
    const duration = fields.duration ?? 15;
    const now = this.now().toISOString();
    this.lastId++;
    const booking: CalcomBookingRow = {
      id: this.lastId,
      uid: randomBytes(6).toString('base64url'),
      title: 'Consulta',
      status: 'accepted',
      end: new Date(Date.parse(fields.start) + duration * 60_000).toISOString(),
      duration,
      eventTypeId: 7,
      attendees: [{ name: 'Ana', email: 'ana@example.com', timeZone: 'America/Sao_Paulo', phoneNumber: null }],
      hosts: [{ id: 5, name: 'Dra. Lia', email: 'lia@clinic.example' }],
      metadata: {},
      createdAt: now,
      updatedAt: now,
      ...fields,
    };
    this.bookings.push(booking);
    return booking;
  }

  cancel(booking: CalcomBookingRow, cancellationReason?: string): CalcomBookingRow {
    return Object.assign(booking, { status: 'cancelled', cancellationReason, updatedAt: this.now().toISOString() });
  }

  /** @returns the booking that takes its place */
  reschedule(booking: CalcomBookingRow, start: string): CalcomBookingRow {
    const { id: _, uid: rescheduledFromUid, end: __, ...rest } = booking;
    const next = this.addBooking({ ...rest, start, rescheduledFromUid });
    Object.assign(booking, { status: 'cancelled', rescheduledToUid: next.uid, updatedAt: this.now().toISOString() });
    return next;
  }

  /** Tells every webhook that wants it about a booking. @param more members of the payload beside the usual ones */
  emit(triggerEvent: string, booking: CalcomBookingRow, more: object = {}): Promise<SentWebhook[]> {
    const told = this.webhooks.filter(({ active, triggers }) => active && triggers.includes(triggerEvent));
    const body = this.webhookBody(triggerEvent, booking, more);
    return Promise.all(told.map((webhook) => this.send(webhook, body)));
  }

  /** One delivery, also to a URL that is not registered; the same body twice is a repeat. */
  send(webhook: { subscriberUrl: string; secret: string | null }, body: object): Promise<SentWebhook> {
    const text = JSON.stringify(body);
    const signature = webhook.secret && createHmac('sha256', webhook.secret).update(text).digest('hex');
    return this.deliver(webhook.subscriberUrl, text, {
      'X-Cal-Signature-256': signature || 'no-secret-provided',
      'X-Cal-Webhook-Version': '2021-10-20',
    });
  }

  /** MEETING_STARTED and MEETING_ENDED are flat; a reschedule names both bookings. */
  webhookBody(triggerEvent: string, booking: CalcomBookingRow, more: object = {}): object {
    const createdAt = this.now().toISOString();
    const times = { startTime: booking.start, endTime: booking.end };
    if (triggerEvent.startsWith('MEETING_')) {
      const { id, uid, title, metadata } = booking;
      return {
        triggerEvent,
        id,
        uid,
        title,
        metadata,
        ...times,
        userId: 5,
        createdAt: booking.createdAt,
        status: 'ACCEPTED',
        ...more,
      };
    }
    const before = this.bookings.find(({ uid }) => uid === booking.rescheduledFromUid);
    const [host] = booking.hosts;
    const payload = {
      type: '15min',
      title: booking.title,
      ...times,
      organizer: { ...host, timeZone: 'America/Sao_Paulo', language: { locale: 'pt-BR' }, utcOffset: -180 },
      attendees: booking.attendees.map((one) => ({ ...one, language: { locale: 'pt-BR' }, utcOffset: -180 })),
      responses: { name: { label: 'your_name', value: booking.attendees[0]?.name } },
      uid: booking.uid,
      bookingId: booking.id,
      eventTypeId: booking.eventTypeId,
      length: booking.duration,
      metadata: booking.metadata,
      status: booking.status.toUpperCase(),
      ...(triggerEvent === 'BOOKING_RESCHEDULED' &&
        before && {
          rescheduleId: before.id,
          rescheduleUid: before.uid,
          rescheduleStartTime: before.start,
          rescheduleEndTime: before.end,
        }),
      ...(triggerEvent === 'BOOKING_CANCELLED' && {
        cancellationReason: booking.cancellationReason ?? '',
        cancelledBy: booking.attendees[0]?.email,
      }),
      ...more,
    };
    return { triggerEvent, createdAt, payload };
  }

  protected refuse(request: SeenRequest): ProviderAnswer | null {
    if (request.headers.authorization !== `Bearer ${this.apiKey}`)
      return failure(401, 'UnauthorizedException', 'ApiAuthStrategy - api key - Your api key is not valid');
    if (!request.path.startsWith('/v2/bookings')) return null;
    if (request.headers['cal-api-version'] !== VERSION)
      return failure(404, 'NotFoundException', 'Cannot find this route');
    return this.deniesBookings ? failure(403, 'ForbiddenException', 'Insufficient permissions: BOOKING_READ') : null;
  }

  protected notFound(): ProviderAnswer {
    return failure(404, 'NotFoundException', 'Not found');
  }

  private list(query: URLSearchParams): ProviderAnswer {
    const after = query.get('afterUpdatedAt');
    const email = query.get('attendeeEmail');
    const found = this.bookings.filter(
      (one) =>
        (after === null || one.updatedAt >= after) &&
        (email === null || one.attendees.some((attendee) => attendee.email === email)),
    );
    const skip = Number(query.get('skip') ?? 0);
    const take = Number(query.get('take') ?? 100);
    const pagination = { totalItems: found.length, hasNextPage: found.length > skip + take };
    return { body: { status: 'success', data: found.slice(skip, skip + take), pagination } };
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the code under test has sent
  private book(json: any): ProviderAnswer {
    const { start, attendee, eventTypeId, lengthInMinutes, metadata } = json;
    if (!start || !attendee?.email) return failure(400, 'BadRequestException', 'start and attendee are required');
    if (this.bookings.some((one) => one.start === start && one.status === 'accepted'))
      return failure(400, 'BadRequestException', 'User either already has booking at this time or is not available');
    const booking = this.addBooking({
      start,
      attendees: [attendee],
      metadata: metadata ?? {},
      ...(eventTypeId && { eventTypeId }),
      ...(lengthInMinutes && { duration: lengthInMinutes }),
    });
    return { status: 201, body: { status: 'success', data: booking } };
  }

  private createWebhook(json: Partial<CalcomWebhookRow>): ProviderAnswer {
    const webhook = {
      id: randomBytes(8).toString('hex'),
      subscriberUrl: json.subscriberUrl ?? '',
      triggers: json.triggers ?? [],
      active: json.active ?? true,
      secret: json.secret ?? null,
    };
    this.webhooks.push(webhook);
    return { status: 201, body: { status: 'success', data: webhook } };
  }

  private onBooking(uid: string | undefined, act: (booking: CalcomBookingRow) => unknown): ProviderAnswer {
    const booking = this.bookings.find((one) => one.uid === uid);
    return booking ? data(act(booking)) : this.notFound();
  }

  private onWebhook(id: string | undefined, act: (webhook: CalcomWebhookRow) => unknown): ProviderAnswer {
    const webhook = this.webhooks.find((one) => one.id === id);
    return webhook ? data(act(webhook)) : this.notFound();
  }
}

const data = (value: unknown): ProviderAnswer => ({ body: { status: 'success', data: value } });

function failure(status: number, code: string, message: string): ProviderAnswer {
  return {
    status,
    body: { status: 'error', timestamp: '2026-03-01T12:00:00Z', error: { code, message, details: { message } } },
  };
}
