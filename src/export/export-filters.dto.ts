import { OmitType } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsString, IsUUID } from 'class-validator';
import { ContactFilterQuery } from '../crm/contact.dto.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

/** Which contacts. */
export class ContactExportFilter extends OmitType(ContactFilterQuery, ['limit', 'cursor']) {}

class TimeRange {
  /** From this time on, ISO 8601. */
  @MayBeAbsent()
  @IsISO8601({ strict: true })
  since?: string;

  /** Before this time, ISO 8601. */
  @MayBeAbsent()
  @IsISO8601({ strict: true })
  until?: string;
}

/** Which events. */
export class EventExportFilter extends TimeRange {
  @MayBeAbsent()
  @IsString()
  type?: string;
}

/** Which deliveries. */
export class DeliveryExportFilter extends TimeRange {
  @MayBeAbsent()
  @IsUUID()
  subscriptionId?: string;

  @MayBeAbsent()
  @IsUUID()
  eventId?: string;

  @MayBeAbsent()
  @IsString()
  eventType?: string;

  @MayBeAbsent()
  @IsIn(['pending', 'succeeded', 'failed', 'cancelled'])
  status?: 'pending' | 'succeeded' | 'failed' | 'cancelled';
}

/** Which attempts. */
export class AttemptExportFilter extends TimeRange {
  @MayBeAbsent()
  @IsUUID()
  subscriptionId?: string;

  @MayBeAbsent()
  @IsUUID()
  deliveryId?: string;

  @MayBeAbsent()
  @IsString()
  eventType?: string;

  @MayBeAbsent()
  @IsIn(['delivered', 'retry', 'held', 'failed'])
  outcome?: 'delivered' | 'retry' | 'held' | 'failed';
}

/** Which inbound events. */
export class InboundEventExportFilter extends TimeRange {
  /** Id of a source, a provider, or `api` for what came with the tenant's key. */
  @MayBeAbsent()
  @IsString()
  source?: string;

  @MayBeAbsent()
  @IsString()
  eventName?: string;

  @MayBeAbsent()
  @IsIn(['received', 'processing', 'processed', 'failed', 'ignored'])
  status?: 'received' | 'processing' | 'processed' | 'failed' | 'ignored';
}
