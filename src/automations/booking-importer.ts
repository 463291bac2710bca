import { Injectable } from '@nestjs/common';
import type { PersonContent } from '../core/person-content.js';
import { type Booking, BookingStore } from '../crm/booking.store.js';
import { BookingChanger } from '../crm/booking-changer.js';
import type { BookingStatus } from '../crm/booking-state.js';
import type { Write } from '../crm/crm-writer.js';
import { type ContactExtras, ContactImporter } from './contact-importer.js';
import { ExternalIdentityStore } from './external-identity.store.js';

/** A booking as a provider tells of it. */
export interface SaidBooking {
  provider: 'calcom' | 'calendly';
  /** What the provider calls it now. */
  uid: string;
  /** What it was called before it was moved, and whatever else names the same booking. */
  aliases: readonly string[];
  /** When this was so. */
  at: Date;
  attendee: PersonContent;
  extras: ContactExtras;
  startTime: Date;
  endTime: Date;
  status: BookingStatus;
  cancelReason: string | null;
  /** Title, place, language and zone of the attendee, and what the provider keeps with it. */
  metadata: Record<string, unknown>;
}

export type ImportedBooking =
  /** Something newer is known of it. */
  | { kind: 'stale'; booking: Booking }
  | { kind: 'created' | 'moved' | 'cancelled' | 'changed' | 'unchanged'; booking: Booking };

/**
 * Makes bookings here of what providers tell. A booking that is moved gets another id there and stays one here: all its ids lead to
 * it, and of all that is told under any of them the newest counts, whatever order it comes in.
 */
@Injectable()
export class BookingImporter {
  constructor(
    private readonly contacts: ContactImporter,
    private readonly bookings: BookingChanger,
    private readonly store: BookingStore,
    private readonly identities: ExternalIdentityStore,
  ) {}

  async take(write: Write, tenantId: string, said: SaidBooking): Promise<ImportedBooking> {
    const { tx } = write;
    const refs = [said.uid, ...said.aliases].map((externalId) => ({
      provider: said.provider,
      kind: 'booking',
      externalId,
    }));
    await this.identities.hold(tx, tenantId, refs);
    const known = await this.identities.listNamed(tx, tenantId, refs);
    const inOrder = known.sort((a, b) => timeOf(b.seenAt) - timeOf(a.seenAt));
    const booking = await this.joined(write, tenantId, [...new Set(inOrder.map(({ ownId }) => ownId))]);
    const newest = inOrder[0]?.seenAt ?? null;
    const stale = newest !== null && said.at < newest;
    const taken =
      booking && stale ? ({ kind: 'stale', booking } as const) : await this.write(write, tenantId, said, booking);
    const seenAt = stale ? newest : said.at;
    for (const ref of refs) await this.identities.record(tenantId, ref, taken.booking.id, { seenAt }, tx);
    return taken;
  }

  /** The booking that goes by this id, for a word that does not tell all of it. */
  async find(write: Write, tenantId: string, provider: string, externalId: string): Promise<Booking | null> {
    const identity = await this.identities.find(tenantId, { provider, kind: 'booking', externalId }, write.tx);
    return identity && this.store.lock(write.tx, tenantId, identity.ownId);
  }

  /** What was told under two ids before it was told that they are one: the first, of which the newest is known, is kept. */
  private async joined(write: Write, tenantId: string, ids: string[]): Promise<Booking | null> {
    const [kept, ...others] = ids;
    if (kept === undefined) return null;
    for (const other of others) {
      await this.identities.repoint(write.tx, tenantId, other, kept);
      if (await this.store.lock(write.tx, tenantId, other)) await this.bookings.delete(write, tenantId, other);
    }
    return this.store.lock(write.tx, tenantId, kept);
  }

  private async write(
    write: Write,
    tenantId: string,
    said: SaidBooking,
    current: Booking | null,
  ): Promise<ImportedBooking> {
    const { startTime, endTime, status, cancelReason } = said;
    const { contact } = await this.contacts.match(write, tenantId, said.attendee, said.extras);
    const metadata = { ...current?.metadata, ...said.metadata };
    const values = { contactId: contact.id, startTime, endTime, status, cancelReason, metadata };
    const externalId = `${said.provider}:${said.uid}`;
    if (!current) {
      const booking = await this.bookings.create(write, tenantId, { ...values, externalId });
      return { kind: 'created', booking };
    }
    const booking = await this.bookings.update(
      write,
      tenantId,
      current.id,
      { ...values, externalId },
      { reopen: true },
    );
    return { kind: whatChanged(current, booking), booking };
  }
}

const timeOf = (time: Date | null) => time?.getTime() ?? 0;

function whatChanged(before: Booking, after: Booking): ImportedBooking['kind'] {
  if (after.status !== before.status && after.status === 'cancelled') return 'cancelled';
  if (after.startTime.getTime() !== before.startTime.getTime()) return 'moved';
  return after.updatedAt.getTime() === before.updatedAt.getTime() ? 'unchanged' : 'changed';
}
