import { type DynamicModule, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import type { ProcessRole } from '../config/env.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { OutboxController } from './outbox.controller.js';
import { OutboxService } from './outbox.service.js';
import { OutboxStore } from './outbox.store.js';
import { OutboxDrainer } from './outbox-drainer.js';

/** In a worker the outbox is drained, not only shown. */
@Injectable()
class OutboxWorker {
  constructor(drainer: OutboxDrainer) {
    drainer.start();
  }
}

/** Events that host applications emit inside transactions of their own, in the same Postgres. */
@Module({})
export class OutboxModule {
  /** @param flow the module with the outbound flow */
  static forRoles(roles: readonly ProcessRole[], flow: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: OutboxModule,
      imports: [TenantsModule, ...flow],
      controllers: roles.includes('api') ? [OutboxController] : [],
      providers: [OutboxStore, OutboxService, OutboxDrainer, ...(roles.includes('worker') ? [OutboxWorker] : [])],
    };
  }
}
