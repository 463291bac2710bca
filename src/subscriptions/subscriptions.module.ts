import { Module } from '@nestjs/common';
import { TenantsModule } from '../tenants/tenants.module.js';
import { SubscriptionController } from './subscription.controller.js';
import { SubscriptionService } from './subscription.service.js';
import { SubscriptionStore } from './subscription.store.js';
import { SubscriptionTargets } from './subscription-targets.js';

@Module({
  imports: [TenantsModule],
  controllers: [SubscriptionController],
  providers: [SubscriptionStore, SubscriptionService, SubscriptionTargets],
  exports: [SubscriptionService, SubscriptionTargets],
})
export class SubscriptionsModule {}
