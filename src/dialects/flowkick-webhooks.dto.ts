import { PartialType } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsBoolean, IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import type { DeliveryWithAttempts } from '../deliveries/delivery.dto.js';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';
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

  @MayBeAbsent()
  @IsString()
  @MaxLength(2000)
  description?: string;

  /** Retries after the first attempt (default 3). */
  @MayBeAbsent()
  @IsInt()
  @Min(0)
  @Max(20)
  retryAttempts?: number;

  /** Seconds before the first retry, doubled each time (default 60). */
  @MayBeAbsent()
  @IsInt()
  @Min(1)
  @Max(86_400)
  retryDelay?: number;

  /** Default 10,000. */
  @MayBeAbsent()
  @IsInt()
  @Min(1000)
  @Max(60_000)
  timeoutMs?: number;

  @MayBeAbsent()
  @IsBoolean()
  active?: boolean;

  /** Your own signing secret; one is made when absent. */
  @MayBeAbsent()
  @IsString()
  secret?: string;
}

export class UpdateFlowKickWebhook extends PartialType(CreateFlowKickWebhook) {}

export const FLOWKICK_DEFAULTS = { retryAttempts: 3, retryDelay: 60, timeoutMs: 10_000 };

/** A webhook as the guide's list shows it. */
export class FlowKickWebhook {
  id: string;
  name: string;
  url: string;
  events: string[];
  description: string;
  active: boolean;
  /** Retries after the first attempt. */
  retryAttempts: number;
  /** Seconds before the first retry. */
  retryDelay: number;
  timeoutMs: number;
  /** Finished deliveries. */
  successCount: number;
  failedCount: number;
  lastDeliveryStatus: string | null;
  lastDeliveryAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export class CreatedFlowKickWebhook extends FlowKickWebhook {
  /** The signing secret: shown here once and never again. */
  secret?: string;
}

/** A delivery as "View Webhook Deliveries" lists it: with what came of its last attempt. */
export class FlowKickDelivery {
  id: string;
  event: string;
  status: 'success' | 'failed' | 'pending' | 'cancelled';
  /** Attempts made. */
  attempts: number;
  httpStatus: number | null;
  responseBody: string | null;
  errorMessage: string | null;
  durationMs: number | null;
  nextRetryAt: Date | null;
  createdAt: Date;
  deliveredAt: Date | null;
}

export class FlowKickWebhookWithDeliveries extends FlowKickWebhook {
  /** The last 50, newest first. */
  deliveries: FlowKickDelivery[];
}

export class FlowKickDone {
  success: boolean;
}

export class FlowKickCreated extends FlowKickDone {
  webhook: CreatedFlowKickWebhook;
}

export class FlowKickList extends FlowKickDone {
  webhooks: FlowKickWebhook[];
}

export class FlowKickShown extends FlowKickDone {
  webhook: FlowKickWebhookWithDeliveries;
}

export class FlowKickChanged extends FlowKickDone {
  webhook: FlowKickWebhook;
}

/** `success` says whether the endpoint answered 2xx. */
export class FlowKickTested extends FlowKickDone {
  delivery: FlowKickDelivery;
}

export function presentWebhook(view: SubscriptionView): FlowKickWebhook {
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

export function presentWebhookDelivery(delivery: DeliveryWithAttempts): FlowKickDelivery {
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
