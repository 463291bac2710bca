import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import type { ProcessRole } from '../config/env.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { ConnectionController } from './connection.controller.js';
import { ConnectionService } from './connection.service.js';
import { ConnectionStore } from './connection.store.js';
import { ConnectionClients } from './connection-clients.js';
import { ConnectionSealer } from './connection-sealer.js';
import { ProviderAgent } from './provider-agent.js';
import { WebhookRegistrar } from './webhook-registrar.js';
import { WebhookRenewer } from './webhook-renewer.js';

/** Credentials for providers' own APIs, and the clients made of them. */
@Module({})
export class ConnectionsModule {
  /** @param inbound the module with the sources by which providers' webhooks come in */
  static forRoles(roles: readonly ProcessRole[], inbound: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: ConnectionsModule,
      imports: [TenantsModule, ...inbound],
      controllers: roles.includes('api') ? [ConnectionController] : [],
      providers: [
        ConnectionStore,
        ConnectionSealer,
        ConnectionClients,
        ConnectionService,
        ProviderAgent,
        WebhookRegistrar,
        WebhookRenewer,
      ],
      exports: [ConnectionClients, ConnectionService, ConnectionStore, ProviderAgent],
    };
  }
}
