import { Injectable } from '@nestjs/common';
import { invalidField } from '../core/errors.js';
import { type Booking, BookingStore, type BookingValues } from './booking.store.js';
import { type BookingTimes, bookingRefusal } from './booking-state.js';
import { ContactTotalsStore } from './contact-totals.store.js';
import {
  changesBetween,
  conflicts,
  found,
  knownOrMade,
  missingReference,
  unlessTaken,
  withoutUndefined,
} from './crm-rows.js';
import type { Write } from './crm-writer.js';
import type { Changes } from './domain-change.js';
import { ToolStore } from './tool.store.js';

type Written = Omit<BookingValues, 'cancelledAt'>;
export type NewBooking = Pick<Written, 'contactId' | 'startTime'> & Partial<Written>;
export type BookingChange = Partial<Written>;

const FIELDS = [
  'contactId',
  'toolId',
  'startTime',
  'endTime',
  'status',
  'notes',
  'cancelReason',
  'cancelledAt',
  'externalId',
  'metadata',
] as const;

/**
 * Writes bookings as part of a transaction, keeps the contact's totals, and tells what changed. It is what the API and inbound
 * handlers share: the `effects` of a handler are a `Write`.
 */
@Injectable()
export class BookingChanger {
  constructor(
    private readonly store: BookingStore,
    private readonly tools: ToolStore,
    private readonly totals: ContactTotalsStore,
  ) {}

  /**
   * Without an end it ends when the tool's duration is over.
   * @throws AppError not_found (contact, tool), invalid_request (times), conflict (external id)
   */
  async create(write: Write, tenantId: string, values: NewBooking): Promise<Booking> {
    const booking = await this.insert(write, tenantId, values);
    if (!booking) throw externalIdTaken(values.externalId);
    return booking;
  }

  /**
   * Whatever is given replaces what was so. One that is cancelled or completed takes no other status and times, but with `reopen`.
   * @throws AppError not_found (booking, contact, tool), invalid_request (times), conflict (status, external id)
   */
  async update(
    write: Write,
    tenantId: string,
    id: string,
    change: BookingChange,
    options: { reopen?: boolean } = {},
  ): Promise<Booking> {
    const current = found(await this.store.lock(write.tx, tenantId, id), 'booking', id);
    return (await this.apply(write, current, change, options.reopen)).booking;
  }

  /**
   * The booking that a provider has under `externalId` (`calcom:<uid>`): made when it is not known, else changed to what is said
   * of it now. Status and times that it cannot take any more are passed over: a late word does not open it again, but with `reopen`.
   * @returns `changes` is empty when it was so already, or is new
   */
  async upsert(
    write: Write,
    tenantId: string,
    externalId: string,
    values: NewBooking,
    options: { reopen?: boolean } = {},
  ): Promise<{ booking: Booking; created: boolean; changes: Changes }> {
    const { row: booking, made } = await knownOrMade(
      () => this.store.lockByExternalId(write.tx, tenantId, externalId),
      () => this.insert(write, tenantId, { ...values, externalId }),
    );
    if (made) return { booking, created: true, changes: {} };
    const { status = booking.status, startTime, endTime = keepingLength(booking, startTime), ...rest } = values;
    const next = { status, startTime, endTime };
    const change = options.reopen || !bookingRefusal(booking, next) ? { ...rest, ...next } : rest;
    return { created: false, ...(await this.apply(write, booking, change, options.reopen)) };
  }

  /** Of one that was still to come it is told that it is cancelled. @throws AppError not_found */
  async delete(write: Write, tenantId: string, id: string): Promise<void> {
    const { tx, now } = write;
    const booking = found(await this.store.lock(tx, tenantId, id), 'booking', id);
    await this.totals.hold(tx, tenantId, [booking.contactId]);
    await this.store.delete(tx, tenantId, id);
    await this.totals.recount(tx, tenantId, 'bookings', [booking.contactId]);
    write.tell({ kind: 'booking-deleted', booking, deletedAt: now });
  }

  /** Null when the external id is taken. */
  private async insert(write: Write, tenantId: string, values: NewBooking): Promise<Booking | null> {
    const { tx, now } = write;
    const { contactId, startTime } = values;
    await this.totals.holdNamed(tx, tenantId, contactId);
    const endTime = await this.endOf(write, tenantId, values);
    checkTimes({ startTime, endTime });
    const cancelledAt = values.status === 'cancelled' ? now : null;
    const booking = await this.store.create(tx, tenantId, { ...values, endTime, cancelledAt }, now);
    if (!booking) return null;
    await this.totals.recount(tx, tenantId, 'bookings', [contactId]);
    write.tell({ kind: 'booking-created', booking });
    return booking;
  }

  private async apply(
    write: Write,
    current: Booking,
    said: BookingChange,
    reopen = false,
  ): Promise<{ booking: Booking; changes: Changes }> {
    const { tx, now } = write;
    const { tenantId, id } = current;
    const change = withoutUndefined(said);
    const next = { ...current, ...change };
    const refusal = reopen ? null : bookingRefusal(current, next);
    if (refusal) throw conflicts(refusal.pointer, refusal.detail);
    const values = { ...change, ...cancellation(current, next, now) };
    const changes = changesBetween(current, values, FIELDS);
    if (Object.keys(changes).length === 0) return { booking: current, changes };
    checkTimes(next);
    await this.totals.hold(tx, tenantId, [current.contactId, next.contactId]);
    if (changes.contactId) await this.totals.holdNamed(tx, tenantId, next.contactId);
    if (changes.toolId) await this.holdTool(write, tenantId, next.toolId);
    const booking = await unlessTaken(this.store.update(tx, tenantId, id, values, now), () =>
      externalIdTaken(next.externalId),
    );
    await this.totals.recount(tx, tenantId, 'bookings', [current.contactId, booking.contactId]);
    write.tell({ kind: 'booking-updated', booking, changes });
    return { booking, changes };
  }

  private async holdTool(write: Write, tenantId: string, id: string | null) {
    if (id === null) return null;
    const tool = await this.tools.hold(write.tx, tenantId, id);
    if (!tool) throw missingReference('/toolId', 'tool', id);
    return tool;
  }

  private async endOf(write: Write, tenantId: string, values: NewBooking): Promise<Date> {
    const tool = await this.holdTool(write, tenantId, values.toolId ?? null);
    if (values.endTime) return values.endTime;
    if (!tool?.durationMinutes) throw invalidField('/endTime', 'Give endTime, or a tool that has a duration.');
    return new Date(values.startTime.getTime() + tool.durationMinutes * 60_000);
  }
}

function checkTimes({ startTime, endTime }: BookingTimes): void {
  if (endTime > startTime) return;
  throw invalidField(
    '/endTime',
    `The booking would end at ${endTime.toISOString()}, and start at ${startTime.toISOString()}: the end comes after the start.`,
  );
}

function keepingLength({ startTime, endTime }: BookingTimes, newStart: Date): Date {
  return new Date(newStart.getTime() + endTime.getTime() - startTime.getTime());
}

/** When it was cancelled, and why, belong to a booking that is. */
function cancellation(current: Booking, next: Booking, now: Date): Partial<BookingValues> {
  if (next.status === current.status) return {};
  return next.status === 'cancelled' ? { cancelledAt: now } : { cancelledAt: null, cancelReason: null };
}

function externalIdTaken(externalId: string | null | undefined) {
  return conflicts('/externalId', `There is a booking with the external id "${externalId}" already.`);
}
