import { type DynamicModule, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { JobRunner } from '../background-jobs/job-runner.js';
import type { ProcessRole } from '../config/env.js';
import { SubscriptionsModule } from '../subscriptions/subscriptions.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { BulkRetrier } from './bulk-retrier.js';
import { RecoveryController } from './recovery.controller.js';
import { RecoveryService } from './recovery.service.js';
import { RecoveryStore } from './recovery.store.js';
import { SubscriptionRecoverer } from './subscription-recoverer.js';

/** Tells the job runner of this feature's kinds of job. */
@Injectable()
class RecoveryJobs {
  constructor(runner: JobRunner, recoverer: SubscriptionRecoverer, retrier: BulkRetrier) {
    runner.add(recoverer);
    runner.add(retrier);
  }
}

/** Cancel, replay, recover, bulk retry: a module apart, for it needs the background jobs, which need the due relay of deliveries. */
@Module({})
export class RecoveryModule {
  /** @param flow the modules with the outbound flow and the background jobs */
  static forRoles(roles: readonly ProcessRole[], flow: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: RecoveryModule,
      imports: [TenantsModule, SubscriptionsModule, ...flow],
      controllers: roles.includes('api') ? [RecoveryController] : [],
      providers: [RecoveryStore, RecoveryService, SubscriptionRecoverer, BulkRetrier, RecoveryJobs],
    };
  }
}
