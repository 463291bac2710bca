import { IsIn, IsOptional, IsUUID } from 'class-validator';
import { PageQuery } from '../http/pagination.dto.js';
import type { Booking } from './booking.store.js';
import { BOOKING_STATUSES, type BookingStatus } from './booking-state.js';
import { IsExternalId, IsMetadata, IsText, IsTime, MayBeAbsent } from './crm-fields.dto.js';

/** What may be said of a booking at any time. */
class BookingDetails {
  /** What is booked. */
  @IsOptional()
  @IsUUID()
  toolId?: string | null;

  /** After the start. In a new booking the tool's duration stands in for it. */
  @MayBeAbsent()
  @IsTime()
  endTime?: Date;

  @MayBeAbsent()
  @IsIn(BOOKING_STATUSES)
  status?: BookingStatus;

  @IsOptional()
  @IsText(4000)
  notes?: string | null;

  @IsOptional()
  @IsText(500)
  cancelReason?: string | null;

  /** The provider's own id of it, such as `calcom:<uid>`; no two bookings have the same. */
  @IsOptional()
  @IsExternalId()
  externalId?: string | null;

  /** Anything of yours. */
  @MayBeAbsent()
  @IsMetadata()
  metadata?: Record<string, unknown>;
}

export class CreateBooking extends BookingDetails {
  @IsUUID()
  contactId: string;

  @IsTime()
  startTime: Date;
}

/** A status other than the current one must be one it can become; a booking that is cancelled or completed keeps status and times. */
export class UpdateBooking extends BookingDetails {
  @MayBeAbsent()
  @IsUUID()
  contactId?: string;

  @MayBeAbsent()
  @IsTime()
  startTime?: Date;
}

export class ReopenBooking {
  /** Default: `pending`. */
  @MayBeAbsent()
  @IsIn(['pending', 'confirmed'])
  status?: 'pending' | 'confirmed';
}

export class BookingQuery extends PageQuery {
  @MayBeAbsent()
  @IsUUID()
  contactId?: string;

  @MayBeAbsent()
  @IsUUID()
  toolId?: string;

  @MayBeAbsent()
  @IsIn(BOOKING_STATUSES)
  status?: BookingStatus;

  @MayBeAbsent()
  @IsText(200)
  externalId?: string;

  /** Bookings that start at this time or later. */
  @MayBeAbsent()
  @IsTime({ orDate: true })
  startsFrom?: Date;

  /** Bookings that start before this time. */
  @MayBeAbsent()
  @IsTime({ orDate: true })
  startsBefore?: Date;
}

export class BookingView {
  id: string;
  tenantId: string;
  contactId: string;
  toolId: string | null;
  startTime: Date;
  endTime: Date;
  status: BookingStatus;
  notes: string | null;
  cancelReason: string | null;
  cancelledAt: Date | null;
  externalId: string | null;
  metadata: Record<string, unknown>;
  createdAt: Date;
  updatedAt: Date;
}

export function presentBooking(booking: Booking): BookingView {
  const { id, tenantId, contactId, toolId, startTime, endTime, status, notes, cancelReason, cancelledAt } = booking;
  const { externalId, metadata, createdAt, updatedAt } = booking;
  return {
    id,
    tenantId,
    contactId,
    toolId,
    startTime,
    endTime,
    status,
    notes,
    cancelReason,
    cancelledAt,
    externalId,
    metadata,
    createdAt,
    updatedAt,
  };
}
