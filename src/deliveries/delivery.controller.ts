import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiPage } from '../http/page.decorator.js';
import { TestSubscription } from '../subscriptions/subscription.dto.js';
import { SubscriptionService } from '../subscriptions/subscription.service.js';
import { Audited, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { DeliveryQuery, DeliveryView, DeliveryWithAttempts } from './delivery.dto.js';
import { DeliveryService } from './delivery.service.js';

@ApiTags('Deliveries')
@Controller('api/v1')
export class DeliveryController {
  constructor(
    private readonly deliveries: DeliveryService,
    private readonly subscriptions: SubscriptionService,
  ) {}

  /** List deliveries, newest first. */
  @Get('deliveries')
  @RequireScope('events:read')
  @ApiPage(DeliveryView)
  list(@CurrentTenant() tenantId: string, @Query() query: DeliveryQuery) {
    return this.deliveries.list(tenantId, query);
  }

  /** Show a delivery with every attempt: what was sent, what was answered, and what went wrong in words. */
  @Get('deliveries/:id')
  @RequireScope('events:read')
  show(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<DeliveryWithAttempts> {
    return this.deliveries.get(tenantId, id);
  }

  /** Send a delivery once more, now, with the same webhook-id. */
  @Post('deliveries/:id/retry')
  @HttpCode(202)
  @RequireScope('webhooks:write')
  @Audited('delivery.retried')
  retry(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<DeliveryView> {
    return this.deliveries.retry(tenantId, id);
  }

  /** List a subscription's deliveries, newest first. */
  @Get('subscriptions/:id/deliveries')
  @RequireScope('webhooks:read')
  @ApiPage(DeliveryView)
  async listOfSubscription(@CurrentTenant() tenantId: string, @Param('id') id: string, @Query() query: DeliveryQuery) {
    const subscription = await this.subscriptions.get(tenantId, id);
    return this.deliveries.list(tenantId, { ...query, subscriptionId: subscription.id });
  }

  /** Send a sample to a subscription and wait for the answer. */
  @Post('subscriptions/:id/test')
  @HttpCode(200)
  @RequireScope('webhooks:write')
  @Audited('subscription.tested')
  test(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: TestSubscription,
  ): Promise<DeliveryWithAttempts> {
    return this.deliveries.test(tenantId, id, input.eventType);
  }
}
