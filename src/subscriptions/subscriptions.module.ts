import { Module } from '@nestjs/common';
import { EventTypesModule } from '../event-types/event-types.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { AccessSealer } from './access-sealer.js';
import { SigningKeyController } from './signing-key.controller.js';
import { SigningKeyService } from './signing-key.service.js';
import { SigningKeyStore } from './signing-key.store.js';
import { SubscriptionController } from './subscription.controller.js';
import { SubscriptionService } from './subscription.service.js';
import { SubscriptionStore } from './subscription.store.js';
import { SubscriptionSweeper } from './subscription-sweeper.js';
import { SubscriptionTargets } from './subscription-targets.js';

@Module({
  imports: [TenantsModule, EventTypesModule],
  controllers: [SubscriptionController, SigningKeyController],
  providers: [
    SubscriptionStore,
    SubscriptionService,
    SubscriptionTargets,
    SubscriptionSweeper,
    AccessSealer,
    SigningKeyStore,
    SigningKeyService,
  ],
  exports: [SubscriptionService, SubscriptionTargets],
})
export class SubscriptionsModule {}
