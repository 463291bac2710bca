import { IntersectionType, OmitType } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsUUID, Max, Min } from 'class-validator';
import { ContactFilterQuery } from '../crm/contact.dto.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { AsFlag } from '../http/query-values.decorator.js';

export const USER_SORTS = ['createdAt', 'updatedAt', 'firstName', 'lastName'] as const;

/** What may come with each user. */
export class FlowKickIncludes {
  @MayBeAbsent()
  @AsFlag()
  @IsBoolean()
  includeBookings?: boolean;

  @MayBeAbsent()
  @AsFlag()
  @IsBoolean()
  includeQRCodes?: boolean;

  @MayBeAbsent()
  @AsFlag()
  @IsBoolean()
  includeInteractions?: boolean;
}

/** "Enhanced Users API" of the FlowKick guide. */
export class FlowKickUsersQuery extends IntersectionType(
  OmitType(ContactFilterQuery, ['limit', 'cursor']),
  FlowKickIncludes,
) {
  /** Records per page, 1 to 1,000. */
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt({ message: 'limit must be a whole number' })
  @Min(1)
  @Max(1000)
  limit: number = 50;

  /** Skip so many records. Deep pages are faster with `cursor`. */
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt({ message: 'offset must be a whole number' })
  @Min(0)
  @Max(10_000_000)
  offset?: number;

  /** The id of the user to go on behind: `nextCursor` of the page before. Not together with `offset`. */
  @MayBeAbsent()
  @IsUUID(undefined, { message: 'cursor must be the id of a user: nextCursor of the page before, unchanged' })
  cursor?: string;

  @MayBeAbsent()
  @IsIn(USER_SORTS)
  sortBy: (typeof USER_SORTS)[number] = 'createdAt';

  @MayBeAbsent()
  @IsIn(['asc', 'desc'])
  sortOrder: 'asc' | 'desc' = 'desc';
}

export class FlowKickTag {
  id: string;
  name: string;
  appliedAt: string;
}

export class FlowKickTool {
  id: string;
  name: string;
}

export class FlowKickBooking {
  id: string;
  toolId: string | null;
  tool: FlowKickTool | null;
  startTime: Date;
  endTime: Date;
  status: string;
  notes: string | null;
  createdAt: Date;
  updatedAt: Date;
}

export class FlowKickQrCode {
  id: string;
  code: string;
  purpose: string;
  scanCount: number;
  scannedAt: Date | null;
  scannedBy: string | null;
  validatedAt: Date | null;
  validatedBy: string | null;
  expiresAt: Date | null;
  createdAt: Date;
}

export class FlowKickInteraction {
  id: string;
  kind: string;
  channel: string | null;
  text: string | null;
  occurredAt: Date;
}

export class FlowKickConsent {
  given: boolean;
  at: string | null;
}

export class FlowKickInteractionCounts {
  messagesCount: number;
  commentsCount: number;
  storiesCount: number;
  totalCount: number;
  lastUpdated: string | null;
}

export class FlowKickStats {
  bookingsCount: number;
  qrScansCount: number;
  conversationsCount: number;
  lastBooking: string | null;
  lastSynced: string | null;
}

export class FlowKickTimestamps {
  subscribedAt: string | null;
  createdAt: string;
  updatedAt: string;
}

/** A user as the guide's webhook payload shows one. */
export class FlowKickUser {
  id: string;
  manychatId: string | null;
  instagramUsername: string | null;
  instagramId: string | null;
  firstName: string | null;
  lastName: string | null;
  fullName: string | null;
  email: string | null;
  phone: string | null;
  whatsappPhone: string | null;
  gender: string | null;
  locale: string | null;
  timezone: string | null;
  profilePic: string | null;
  /** By platform. */
  optIns: Record<string, boolean>;
  exportConsent: FlowKickConsent;
  tags: FlowKickTag[];
  /** Values as text, by name. */
  customFields: Record<string, string | null>;
  interactions: FlowKickInteractionCounts;
  stats: FlowKickStats;
  timestamps: FlowKickTimestamps;
  /** With `includeBookings`: newest first. */
  bookings?: FlowKickBooking[];
  /** With `includeQRCodes`: newest first. */
  qrCodes?: FlowKickQrCode[];
  /** With `includeInteractions`: the last 100, newest first. */
  interactionHistory?: FlowKickInteraction[];
}

export class FlowKickPagination {
  /** Users on all pages. Exact, but where `totalIsEstimate` says otherwise. */
  total: number;
  limit: number;
  offset: number;
  hasMore: boolean;
  /** Give it as `cursor` to get the next page; null on the last. */
  nextCursor: string | null;
  /**
   * Present and true where more than some thousand users fit a filter that is not counted all along (a search, a custom field, or
   * several filters at once): `total` is then estimated from a sample of 2,000.
   */
  totalIsEstimate?: boolean;
}

export class FlowKickUsers {
  success: boolean;
  users: FlowKickUser[];
  pagination: FlowKickPagination;
}

export class FlowKickUserShown {
  success: boolean;
  user: FlowKickUser;
}
