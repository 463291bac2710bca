import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { BackgroundJobView } from '../background-jobs/background-job.dto.js';
import { Audited, CurrentPrincipal, CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import type { Principal } from '../tenants/principal.js';
import { DeliveryView } from './delivery.dto.js';
import { RecoverSubscription, ReplayAnswer, ReplayEvent, RetryDeliveries } from './recovery.dto.js';
import { RecoveryService } from './recovery.service.js';

@Controller('api/v1')
export class RecoveryController {
  constructor(private readonly recovery: RecoveryService) {}

  /** Send every delivery that a filter means once more, as a background job. */
  @Post('deliveries/retry')
  @HttpCode(202)
  @ApiTags('Deliveries')
  @RequireScope('webhooks:write')
  @Audited('deliveries.retried')
  retryAll(
    @CurrentTenant() tenantId: string,
    @CurrentPrincipal() principal: Principal,
    @Body() input: RetryDeliveries,
  ): Promise<BackgroundJobView> {
    return this.recovery.retryAll(tenantId, input.filter, principal.name);
  }

  /** Stop a pending delivery. */
  @Post('deliveries/:id/cancel')
  @HttpCode(200)
  @ApiTags('Deliveries')
  @RequireScope('webhooks:write')
  @Audited('delivery.cancelled')
  cancel(@CurrentTenant() tenantId: string, @Param('id') id: string): Promise<DeliveryView> {
    return this.recovery.cancel(tenantId, id);
  }

  /** Send an event again, to every subscription that matches now or to chosen ones; says what it did for each. */
  @Post('events/:id/replay')
  @HttpCode(202)
  @ApiTags('Events')
  @RequireScope('webhooks:write')
  @Audited('event.replayed')
  replay(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Body() input: ReplayEvent,
  ): Promise<ReplayAnswer> {
    return this.recovery.replay(tenantId, id, input.subscriptionIds);
  }

  /** Send a subscription everything since a time that it did not get, as a background job. */
  @Post('subscriptions/:id/recover')
  @HttpCode(202)
  @ApiTags('Subscriptions')
  @RequireScope('webhooks:write')
  @Audited('subscription.recovered')
  recover(
    @CurrentTenant() tenantId: string,
    @CurrentPrincipal() principal: Principal,
    @Param('id') id: string,
    @Body() input: RecoverSubscription,
  ): Promise<BackgroundJobView> {
    return this.recovery.recover(tenantId, id, input, principal.name);
  }
}
