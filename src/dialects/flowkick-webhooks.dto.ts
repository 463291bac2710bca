import { PartialType } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  IsArray,
  IsBoolean,
  IsInt,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
} from 'class-validator';
import type { DeliveryWithAttempts } from '../deliveries/delivery.dto.js';
import type { SubscriptionView } from '../subscriptions/subscription.dto.js';

/** "Create a Webhook Subscription" of the FlowKick guide. */
export class CreateFlowKickWebhook {
  @IsString()
  @MaxLength(200)
  name: string;

  @IsString()
  @MaxLength(2048)
  url: string;

  /** Event names such as `user.created`. */
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  events: string[];

  @IsOptional()
  @IsString()
  @MaxLength(2000)
  description?: string;

  /** Retries after the first attempt (default 3). */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(20)
  retryAttempts?: number;

  /** Seconds before the first retry, doubled each time (default 60). */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(86_400)
  retryDelay?: number;

  /** Default 10,000. */
  @IsOptional()
  @IsInt()
  @Min(1000)
  @Max(60_000)
  timeoutMs?: number;

  @IsOptional()
  @IsBoolean()
  active?: boolean;

  /** Your own signing secret; one is made when absent. */
  @IsOptional()
  @IsString()
  secret?: string;
}

export class UpdateFlowKickWebhook extends PartialType(CreateFlowKickWebhook) {}

export const FLOWKICK_DEFAULTS = { retryAttempts: 3, retryDelay: 60, timeoutMs: 10_000 };

export function presentWebhook(view: SubscriptionView) {
  const schedule = view.retrySchedule;
  return {
    id: view.id,
    name: view.name,
    url: view.url,
    events: view.eventTypes,
    description: view.description,
    active: view.enabled,
    // A subscription made elsewhere may have a schedule that is no doubling one: its first wait stands for it.
    retryAttempts: schedule ? schedule.length - 1 : FLOWKICK_DEFAULTS.retryAttempts,
    retryDelay: schedule?.[1] ?? FLOWKICK_DEFAULTS.retryDelay,
    timeoutMs: view.timeoutMs ?? FLOWKICK_DEFAULTS.timeoutMs,
    successCount: view.successCount,
    failedCount: view.failedCount,
    lastDeliveryStatus: view.lastDeliveryStatus,
    lastDeliveryAt: view.lastDeliveryAt,
    createdAt: view.createdAt,
    updatedAt: view.updatedAt,
  };
}

const STATUS = { succeeded: 'success', failed: 'failed', pending: 'pending', cancelled: 'cancelled' } as const;

/** A delivery as "View Webhook Deliveries" lists it: with what came of its last attempt. */
export function presentWebhookDelivery(delivery: DeliveryWithAttempts) {
  const last = delivery.attempts.at(-1);
  return {
    id: delivery.id,
    event: delivery.eventType,
    status: STATUS[delivery.status],
    attempts: delivery.attemptCount,
    httpStatus: last?.statusCode ?? null,
    responseBody: last?.response?.body ?? null,
    errorMessage: last?.error?.message ?? null,
    durationMs: last?.durationMs ?? null,
    nextRetryAt: delivery.nextAttemptAt,
    createdAt: delivery.createdAt,
    deliveredAt: delivery.status === 'succeeded' ? delivery.completedAt : null,
  };
}
