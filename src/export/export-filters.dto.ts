import { OmitType } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsOptional, IsString, IsUUID } from 'class-validator';
import { ContactFilterQuery } from '../crm/contact.dto.js';

/** Which contacts. */
export class ContactExportFilter extends OmitType(ContactFilterQuery, ['limit', 'cursor']) {}

class TimeRange {
  /** From this time on, ISO 8601. */
  @IsOptional()
  @IsISO8601({ strict: true })
  since?: string;

  /** Before this time, ISO 8601. */
  @IsOptional()
  @IsISO8601({ strict: true })
  until?: string;
}

/** Which events. */
export class EventExportFilter extends TimeRange {
  @IsOptional()
  @IsString()
  type?: string;
}

/** Which deliveries. */
export class DeliveryExportFilter extends TimeRange {
  @IsOptional()
  @IsUUID()
  subscriptionId?: string;

  @IsOptional()
  @IsUUID()
  eventId?: string;

  @IsOptional()
  @IsString()
  eventType?: string;

  @IsOptional()
  @IsIn(['pending', 'succeeded', 'failed', 'cancelled'])
  status?: 'pending' | 'succeeded' | 'failed' | 'cancelled';
}

/** Which attempts. */
export class AttemptExportFilter extends TimeRange {
  @IsOptional()
  @IsUUID()
  subscriptionId?: string;

  @IsOptional()
  @IsUUID()
  deliveryId?: string;

  @IsOptional()
  @IsString()
  eventType?: string;

  @IsOptional()
  @IsIn(['delivered', 'retry', 'held', 'failed'])
  outcome?: 'delivered' | 'retry' | 'held' | 'failed';
}

/** Which inbound events. */
export class InboundEventExportFilter extends TimeRange {
  /** Id of a source, a provider, or `api` for what came with the tenant's key. */
  @IsOptional()
  @IsString()
  source?: string;

  @IsOptional()
  @IsString()
  eventName?: string;

  @IsOptional()
  @IsIn(['received', 'processing', 'processed', 'failed', 'ignored'])
  status?: 'received' | 'processing' | 'processed' | 'failed' | 'ignored';
}
