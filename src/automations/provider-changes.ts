import { Injectable } from '@nestjs/common';
import type { CalcomBooking, CalcomClient } from '../connections/calcom-client.js';
import type { CalendlyClient } from '../connections/calendly-client.js';
import type { ChatwootClient } from '../connections/chatwoot-client.js';
import type { ChatwootContact, ChatwootConversation } from '../connections/chatwoot-records.js';
import type { Connected } from '../connections/connection-clients.js';
import type { ConnectionProviderName } from '../connections/connection-providers.js';
import type { TwentyClient } from '../connections/twenty-client.js';
import { personHash } from '../core/person-content.js';
import { ExternalIdentityStore } from './external-identity.store.js';
import { chatwootContactContent } from './external-people.js';
import { ReconciliationStore } from './reconciliation.store.js';

/** Something that no webhook told, in the form in which one would have. */
export interface MissedEvent {
  eventName: string;
  body: Record<string, unknown>;
  /** The same for the same state: looked at again it is one event. */
  key: string;
}

/** A page of what changed at a provider. */
export interface ChangedPage {
  /** How many changes there were. */
  seen: number;
  missed: MissedEvent[];
  /** Where it goes on; null: nothing more of this kind. */
  next: string | null;
}

interface Look {
  tenantId: string;
  since: Date;
  /** `next` of the page before. */
  page: string | null;
}

type Reader<Client> = (client: Client, look: Look) => Promise<ChangedPage>;

/** What changed at a provider since a time, and what of it is not known here. */
@Injectable()
export class ProviderChanges {
  constructor(
    private readonly identities: ExternalIdentityStore,
    private readonly store: ReconciliationStore,
  ) {}

  /** The kinds of things a provider is asked for, in this order; people come before what is theirs. Empty: it is not reconciled. */
  readersOf(connected: Connected<ConnectionProviderName>): ((look: Look) => Promise<ChangedPage>)[] {
    const { client } = connected;
    const readers = this.readers()[connected.connection.provider] ?? [];
    return readers.map((read) => (look: Look) => read(client as never, look));
  }

  private readers(): Partial<Record<ConnectionProviderName, Reader<never>[]>> {
    const twenty: Reader<TwentyClient>[] = [this.twenty('person'), this.twenty('opportunity')];
    const chatwoot: Reader<ChatwootClient>[] = [
      (client, look) => this.chatwootContacts(client, look),
      (client, look) => this.chatwootMessages(client, look),
    ];
    const calcom: Reader<CalcomClient>[] = [(client, look) => this.calcomBookings(client, look)];
    const calendly: Reader<CalendlyClient>[] = (['active', 'canceled'] as const).map(
      (status) => (client: CalendlyClient, look: Look) => this.calendlyInvitees(client, status, look),
    );
    return { twenty, chatwoot, calcom, calendly };
  }

  private twenty(kind: 'person' | 'opportunity'): Reader<TwentyClient> {
    return async (client, { tenantId, since, page }) => {
      const { records, next } = await client.listChanged(kind, since, page);
      const missed: MissedEvent[] = [];
      for (const record of records) {
        const ref = { provider: 'twenty', kind, externalId: record.id };
        if (await this.isKnown(tenantId, ref, record.updatedAt)) continue;
        const eventName = `${kind}.updated`;
        missed.push({ eventName, body: { eventName, record }, key: `${kind}:${record.id}:${record.updatedAt}` });
      }
      return { seen: records.length, missed, next };
    };
  }

  private async chatwootContacts(client: ChatwootClient, { tenantId, since, page }: Look): Promise<ChangedPage> {
    const number = Number(page ?? 1);
    const { contacts, more } = await client.listContacts(number);
    const recent = contacts.filter((contact) => isSince(contact.last_activity_at, since));
    const missed: MissedEvent[] = [];
    for (const contact of recent) {
      const hash = personHash(chatwootContactContent(contact));
      const ref = { provider: 'chatwoot', kind: 'contact', externalId: String(contact.id) };
      const identity = await this.identities.find(tenantId, ref);
      if (identity?.contentHash === hash || (!contact.email && !contact.phone_number)) continue;
      const eventName = identity ? 'contact_updated' : 'contact_created';
      missed.push({ eventName, body: contactBody(eventName, contact), key: `contact:${contact.id}:${hash}` });
    }
    return { seen: recent.length, missed, next: more && recent.length > 0 ? String(number + 1) : null };
  }

  private async chatwootMessages(client: ChatwootClient, { tenantId, since, page }: Look): Promise<ChangedPage> {
    const number = Number(page ?? 1);
    const { conversations } = await client.listConversations({ status: 'all', page: number });
    const recent = conversations.filter((one) => isSince(one.last_activity_at, since));
    const missed: MissedEvent[] = [];
    let seen = 0;
    for (const conversation of recent) {
      const messages = (await client.listMessages(conversation.id)).filter(
        (message) => !message.private && message.message_type !== 2 && isSince(message.created_at, since),
      );
      const ids = messages.map(({ id }) => `chatwoot:${id}`);
      const known = await this.store.knownMessages(tenantId, `chatwoot:${conversation.id}`, ids);
      seen += messages.length;
      for (const message of messages) {
        if (known.has(`chatwoot:${message.id}`)) continue;
        const body = messageBody(conversation, message);
        missed.push({ eventName: 'message_created', body, key: `message:${message.id}` });
      }
    }
    // A conversation without a time is one of an old version: those stay unlooked at beyond the first page.
    return {
      seen,
      missed,
      next: recent.length === conversations.length && recent.length > 0 ? String(number + 1) : null,
    };
  }

  private async calcomBookings(client: CalcomClient, { tenantId, since, page }: Look): Promise<ChangedPage> {
    const skip = Number(page ?? 0);
    const { bookings, more } = await client.listBookings({ afterUpdatedAt: since, skip, take: 100 });
    const missed: MissedEvent[] = [];
    for (const booking of bookings) {
      // What took its place tells of it.
      if (booking.rescheduledToUid) continue;
      const ref = { provider: 'calcom', kind: 'booking', externalId: booking.uid };
      if (await this.isKnown(tenantId, ref, booking.updatedAt)) continue;
      const body = bookingBody(booking);
      missed.push({ eventName: body.triggerEvent, body, key: `booking:${booking.uid}:${booking.updatedAt}` });
    }
    return { seen: bookings.length, missed, next: more ? String(skip + bookings.length) : null };
  }

  private async calendlyInvitees(
    client: CalendlyClient,
    status: 'active' | 'canceled',
    { tenantId, since, page }: Look,
  ): Promise<ChangedPage> {
    const { items, next } = await client.listScheduledEvents({ status, minStart: since, pageToken: page ?? undefined });
    const changed = items.filter((event) => new Date(event.updated_at) >= since);
    const missed: MissedEvent[] = [];
    let seen = 0;
    for (const event of changed) {
      for (const invitee of (await client.listInvitees(event.uri)).items) {
        seen++;
        const ref = { provider: 'calendly', kind: 'booking', externalId: invitee.uri };
        if (await this.isKnown(tenantId, ref, invitee.updated_at)) continue;
        const eventName = invitee.status === 'canceled' ? 'invitee.canceled' : 'invitee.created';
        const payload = { ...invitee, scheduled_event: event };
        const body = { event: eventName, created_at: invitee.updated_at, payload };
        missed.push({ eventName, body, key: `invitee:${invitee.uri}:${invitee.updated_at}` });
      }
    }
    return { seen, missed, next };
  }

  private async isKnown(
    tenantId: string,
    ref: { provider: string; kind: string; externalId: string },
    updatedAt: string | undefined,
  ): Promise<boolean> {
    const identity = await this.identities.find(tenantId, ref);
    return Boolean(identity?.seenAt && updatedAt && identity.seenAt >= new Date(updatedAt));
  }
}

/** @param seconds of the epoch */
function isSince(seconds: number | null | undefined, since: Date): boolean {
  // Chatwoot tells whole seconds.
  return typeof seconds === 'number' && (seconds + 1) * 1000 > since.getTime();
}

function contactBody(event: string, contact: ChatwootContact): Record<string, unknown> {
  const { contact_inboxes: _, ...shown } = contact;
  return { event, ...shown };
}

const MESSAGE_TYPES = ['incoming', 'outgoing', 'activity', 'template'];

function messageBody(
  conversation: ChatwootConversation,
  message: Awaited<ReturnType<ChatwootClient['listMessages']>>[number],
): Record<string, unknown> {
  const { messages: _, ...shown } = conversation;
  return {
    event: 'message_created',
    ...message,
    message_type: MESSAGE_TYPES[message.message_type],
    created_at: new Date(message.created_at * 1000).toISOString(),
    sender: message.message_type === 0 ? (conversation.meta?.sender ?? message.sender) : message.sender,
    conversation: { channel: conversation.meta?.channel ?? null, ...shown },
    reconciled: true,
  };
}

function bookingBody(booking: CalcomBooking): { triggerEvent: string; createdAt: string; payload: object } {
  const { uid, title, start, end, attendees, metadata, cancellationReason, rescheduledFromUid, status } = booking;
  const cancelled = status === 'cancelled' || status === 'rejected';
  return {
    triggerEvent: cancelled ? 'BOOKING_CANCELLED' : rescheduledFromUid ? 'BOOKING_RESCHEDULED' : 'BOOKING_CREATED',
    createdAt: booking.updatedAt,
    payload: {
      uid,
      title,
      startTime: start,
      endTime: end,
      attendees: attendees.map(({ language, ...one }) => ({ ...one, language: { locale: language ?? null } })),
      metadata,
      status: status.toUpperCase(),
      cancellationReason,
      rescheduleUid: rescheduledFromUid,
      location: booking.location,
    },
  };
}
