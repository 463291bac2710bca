import { PartialType } from '@nestjs/swagger';
import { IsBoolean, IsString, MaxLength } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
import { PageQuery } from '../http/pagination.dto.js';
import type { SubscriptionView } from '../subscriptions/subscription.dto.js';

/** "Create Webhook Subscription" of the CRM guide. */
export class CreateCrmSubscription {
  /** `contact.created`; a pattern such as `contact.*` works too. */
  @IsString()
  @MaxLength(128)
  event_name: string;

  @IsString()
  @MaxLength(2048)
  target_url: string;

  @MayBeAbsent()
  @IsBoolean()
  enabled?: boolean;

  /** Your own signing secret; one is made when absent. */
  @MayBeAbsent()
  @IsString()
  secret?: string;
}

export class UpdateCrmSubscription extends PartialType(CreateCrmSubscription) {}

export class CrmSubscriptionQuery extends PageQuery {
  /** Only subscriptions that would get this event. */
  @MayBeAbsent()
  @IsString()
  event_name?: string;

  @MayBeAbsent()
  @IsString()
  target_url?: string;
}

export class CrmSubscription {
  id: string;
  tenant_id: string;
  /** The event types of a subscription made elsewhere with several of them are separated by commas. */
  event_name: string;
  target_url: string;
  enabled: boolean;
  created_at: Date;
  updated_at: Date;
}

export class CreatedCrmSubscription extends CrmSubscription {
  /** Shown here once and never again. */
  secret?: string;
}

export function presentCrmSubscription(view: SubscriptionView): CrmSubscription {
  return {
    id: view.id,
    tenant_id: view.tenantId,
    event_name: view.eventTypes.join(','),
    target_url: view.url,
    enabled: view.enabled,
    created_at: view.createdAt,
    updated_at: view.updatedAt,
  };
}
