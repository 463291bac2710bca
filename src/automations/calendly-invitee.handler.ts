import { Injectable } from '@nestjs/common';
import { isTimeZone } from '../core/message-text.js';
import { personContent, splitName } from '../core/person-content.js';
import { at, emailOf, objectOf, textOf } from '../inbound-events/handlers/fields.js';
import type {
  Effects,
  HandledEvent,
  HandlerResult,
  InboundHandler,
} from '../inbound-events/handlers/inbound-handler.js';
import { BookingImporter, type SaidBooking } from './booking-importer.js';
import { EventConnections } from './event-connections.js';
import { timeAt } from './said-times.js';

/**
 * Appointments of Calendly: contact and booking here. One that is moved is told twice, as an invitee that is cancelled and another one
 * that is created, in either order: here it stays one booking.
 */
@Injectable()
export class CalendlyInviteeHandler implements InboundHandler {
  readonly handles = ['calendly:invitee.created', 'calendly:invitee.canceled'];

  constructor(
    private readonly importer: BookingImporter,
    private readonly connections: EventConnections,
  ) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const settings = await this.connections.settings(event, 'calendly');
    if (settings?.automations?.bookings === false)
      return { kind: 'ignored', why: 'Bookings of Calendly are switched off in the connection.' };
    const invitee = objectOf(at(event.fields, 'payload'), `The payload of ${event.eventName}`);
    if (textOf(invitee.uri) === null || at(invitee, 'scheduled_event') === undefined)
      return { kind: 'ignored', why: 'It holds no appointment (payload.uri and payload.scheduled_event).' };
    const moved = event.eventName === 'invitee.canceled' && invitee.rescheduled === true;
    // The appointment that takes its place tells the new time, and that it is the same.
    if (moved) return { kind: 'ignored', why: 'The appointment was moved: the new one tells of it.' };
    const { kind, booking } = await this.importer.take(effects, event.tenantId, saidBooking(event, invitee));
    if (kind === 'stale') return { kind: 'ignored', why: 'Something newer is known of this booking.' };
    return { kind: 'processed', did: { bookingId: booking.id, contactId: booking.contactId, booking: kind } };
  }
}

function saidBooking({ fields, eventName, receivedAt }: HandledEvent, invitee: Record<string, unknown>): SaidBooking {
  const scheduled = at(invitee, 'scheduled_event');
  const cancelled = eventName === 'invitee.canceled';
  const zone = textOf(invitee.timezone, 64);
  const timeZone = isTimeZone(zone) ? zone : null;
  const names = { firstName: textOf(invitee.first_name), lastName: textOf(invitee.last_name) };
  const email = emailOf(invitee.email, 'payload.email');
  const startTime = timeAt(at(scheduled, 'start_time'), 'payload.scheduled_event.start_time');
  return {
    provider: 'calendly',
    uid: textOf(invitee.uri) as string,
    aliases: [textOf(invitee.old_invitee)].filter((alias) => alias !== null),
    at: at(fields, 'created_at') === undefined ? receivedAt : timeAt(at(fields, 'created_at'), 'created_at'),
    attendee: personContent({
      ...(names.firstName || names.lastName ? names : splitName(textOf(invitee.name))),
      email,
      phone: textOf(invitee.text_reminder_number, 50),
    }),
    extras: { source: 'calendly', timezone: timeZone },
    startTime,
    endTime: timeAt(at(scheduled, 'end_time'), 'payload.scheduled_event.end_time'),
    status: cancelled ? 'cancelled' : 'confirmed',
    cancelReason: textOf(at(invitee, 'cancellation', 'reason'), 1000),
    metadata: {
      title: textOf(at(scheduled, 'name')),
      location:
        textOf(at(scheduled, 'location', 'join_url'), 2000) ?? textOf(at(scheduled, 'location', 'location'), 2000),
      timeZone,
      calendlyEvent: textOf(at(scheduled, 'uri')) ?? textOf(invitee.event),
    },
  };
}
