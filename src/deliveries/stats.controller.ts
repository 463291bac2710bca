import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CurrentTenant, RequireScope } from '../tenants/access.decorator.js';
import { GroupedStatsQuery, StatsQuery, StatsView, SubscriptionStatsView } from './stats.dto.js';
import { StatsService } from './stats.service.js';

@ApiTags('Statistics')
@Controller('api/v1')
export class StatsController {
  constructor(private readonly stats: StatsService) {}

  /** Attempts of the tenant: totals, and by subscription, event type or hour. */
  @Get('stats')
  @RequireScope('events:read')
  ofTenant(@CurrentTenant() tenantId: string, @Query() query: GroupedStatsQuery): Promise<StatsView> {
    return this.stats.ofTenant(tenantId, query);
  }

  /** Attempts of a subscription: totals, and every hour of the window. */
  @Get('subscriptions/:id/stats')
  @RequireScope('webhooks:read')
  ofSubscription(
    @CurrentTenant() tenantId: string,
    @Param('id') id: string,
    @Query() query: StatsQuery,
  ): Promise<SubscriptionStatsView> {
    return this.stats.ofSubscription(tenantId, id, query);
  }
}
