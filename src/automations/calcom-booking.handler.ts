import { Injectable } from '@nestjs/common';
import { isUuid } from '../core/ids.js';
import { isTimeZone } from '../core/message-text.js';
import { personContent, splitName } from '../core/person-content.js';
import type { Booking } from '../crm/booking.store.js';
import { BookingChanger } from '../crm/booking-changer.js';
import { at, emailOf, objectOf, textOf } from '../inbound-events/handlers/fields.js';
import {
  type Effects,
  type HandledEvent,
  type HandlerResult,
  type InboundHandler,
  PermanentFailure,
} from '../inbound-events/handlers/inbound-handler.js';
import type { NewTask } from './automation-task.store.js';
import { BookingImporter, type ImportedBooking, type SaidBooking } from './booking-importer.js';
import { EventConnections } from './event-connections.js';
import { timeAt } from './said-times.js';
import { TaskPlanner } from './task-planner.js';

/** Where the MedFlow guide's short body names no end. */
const USUAL_LENGTH_MINUTES = 30;

/**
 * Bookings of Cal.com: contact and booking here, an opportunity in Twenty, a message in Chatwoot (the MedFlow guide, "Cal.com → MedFlow").
 */
@Injectable()
export class CalcomBookingHandler implements InboundHandler {
  readonly handles = [
    'calcom:BOOKING_CREATED',
    'calcom:BOOKING_RESCHEDULED',
    'calcom:BOOKING_CANCELLED',
    'calcom:MEETING_ENDED',
  ];

  constructor(
    private readonly importer: BookingImporter,
    private readonly bookings: BookingChanger,
    private readonly connections: EventConnections,
    private readonly planner: TaskPlanner,
  ) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    if (event.eventName === 'MEETING_ENDED') return this.complete(event, effects);
    const said = saidBooking(event);
    const taken = await this.importer.take(effects, event.tenantId, said);
    const { kind, booking } = taken;
    if (kind === 'stale') return { kind: 'ignored', why: 'Something newer is known of this booking.' };
    const tasks = await this.tasksFor(event, said, taken);
    const planned = await this.planner.plan(effects, event.tenantId, tasks);
    return { kind: 'processed', did: { bookingId: booking.id, contactId: booking.contactId, booking: kind, planned } };
  }

  /** The body is flat: the booking's columns stand at its top. */
  private async complete(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const { tenantId, fields } = event;
    const uid = textOf(at(fields, 'uid')) ?? textOf(at(fields, 'payload', 'uid'));
    if (uid === null) throw new PermanentFailure('The meeting has no uid.');
    const booking = await this.importer.find(effects, tenantId, 'calcom', uid);
    if (!booking) return { kind: 'ignored', why: `The booking ${uid} is not known here.` };
    if (booking.status === 'cancelled' || booking.status === 'completed')
      return { kind: 'ignored', why: `The booking is ${booking.status}.` };
    await this.bookings.update(effects, tenantId, booking.id, { status: 'completed' });
    return { kind: 'processed', did: { bookingId: booking.id, booking: 'completed' } };
  }

  private async tasksFor(event: HandledEvent, said: SaidBooking, taken: ImportedBooking): Promise<NewTask[]> {
    const { tenantId, eventName } = event;
    const { booking } = taken;
    const switches = (await this.connections.settings(event, 'calcom'))?.automations ?? {};
    const told = `${eventName}:${said.uid}:${said.at.toISOString()}`;
    const tasks: NewTask[] = [];
    if (switches.opportunities !== false && (await this.connections.has(tenantId, 'twenty'))) {
      tasks.push({
        kind: 'twenty.opportunity',
        key: `twenty.opportunity:${booking.id}:${told}`,
        subject: `twenty:contact:${booking.contactId}`,
        payload: { bookingId: booking.id },
      });
    }
    const what = messageFor(eventName, taken.kind, booking);
    if (what && switches.messages !== false && (await this.connections.has(tenantId, 'chatwoot'))) {
      tasks.push({
        kind: 'chatwoot.booking-message',
        key: `chatwoot.booking-message:${booking.id}:${what}:${said.uid}`,
        subject: `chatwoot:contact:${booking.contactId}`,
        payload: { bookingId: booking.id, what, startTime: booking.startTime.toISOString() },
      });
    }
    return tasks;
  }
}

/** What the attendee is told; null: nothing that he does not know. */
function messageFor(eventName: string, kind: ImportedBooking['kind'], { status }: Booking) {
  if (kind === 'unchanged' || kind === 'changed') return null;
  if (status === 'cancelled') return 'cancelled';
  return kind === 'moved' || eventName === 'BOOKING_RESCHEDULED' ? 'rescheduled' : 'confirmed';
}

function saidBooking({ fields, eventName, receivedAt }: HandledEvent): SaidBooking {
  const payload = objectOf(at(fields, 'payload'), `The payload of ${eventName}`);
  const attendee = at(payload, 'attendees', '0');
  const email = emailOf(at(attendee, 'email'), 'payload.attendees[0].email');
  const startTime = timeAt(payload.startTime, 'payload.startTime');
  const metadata = (at(payload, 'metadata') ?? {}) as Record<string, unknown>;
  const opportunityId = textOf(metadata.twenty_opportunity_id);
  const ical = textOf(payload.iCalUID);
  const uid = textOf(payload.uid);
  const phone =
    textOf(at(attendee, 'phoneNumber'), 50) ?? textOf(at(payload, 'responses', 'attendeePhoneNumber', 'value'), 50);
  const locale = textOf(at(attendee, 'language', 'locale'), 20);
  const zone = textOf(at(attendee, 'timeZone'), 64);
  const timeZone = isTimeZone(zone) ? zone : null;
  return {
    provider: 'calcom',
    // The guide's short body has no uid: then it is who comes when, or the opportunity it is about.
    uid: uid ?? (isUuid(opportunityId) ? `opportunity:${opportunityId}` : `${email}:${startTime.toISOString()}`),
    aliases: [textOf(payload.rescheduleUid), ical && `ical:${ical}`].filter((alias) => alias !== null),
    at: at(fields, 'createdAt') === undefined ? receivedAt : timeAt(at(fields, 'createdAt'), 'createdAt'),
    attendee: personContent({ ...splitName(textOf(at(attendee, 'name'))), email, phone }),
    extras: { source: 'calcom', locale, timezone: timeZone },
    startTime,
    endTime: endOf(payload, startTime),
    status: statusOf(eventName, textOf(payload.status)),
    cancelReason: textOf(payload.cancellationReason, 1000),
    metadata: {
      ...metadata,
      title: textOf(payload.title) ?? textOf(payload.eventTitle),
      location: textOf(metadata.videoCallUrl, 2000) ?? textOf(payload.location, 2000),
      language: locale,
      timeZone,
    },
  };
}

function statusOf(eventName: string, said: string | null): SaidBooking['status'] {
  if (eventName === 'BOOKING_CANCELLED') return 'cancelled';
  return said?.toUpperCase() === 'PENDING' ? 'pending' : 'confirmed';
}

function endOf(payload: Record<string, unknown>, start: Date): Date {
  if (payload.endTime !== undefined) return timeAt(payload.endTime, 'payload.endTime');
  const minutes = typeof payload.length === 'number' && payload.length > 0 ? payload.length : USUAL_LENGTH_MINUTES;
  return new Date(start.getTime() + minutes * 60_000);
}
