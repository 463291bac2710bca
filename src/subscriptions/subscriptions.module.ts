import { Module } from '@nestjs/common';
import { EventTypesModule } from '../event-types/event-types.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { SubscriptionController } from './subscription.controller.js';
import { SubscriptionService } from './subscription.service.js';
import { SubscriptionStore } from './subscription.store.js';
import { SubscriptionTargets } from './subscription-targets.js';

@Module({
  imports: [TenantsModule, EventTypesModule],
  controllers: [SubscriptionController],
  providers: [SubscriptionStore, SubscriptionService, SubscriptionTargets],
  exports: [SubscriptionService, SubscriptionTargets],
})
export class SubscriptionsModule {}
