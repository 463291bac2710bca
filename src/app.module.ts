import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import { AutomationsModule } from './automations/automations.module.js';
import { BackgroundJobsModule } from './background-jobs/background-jobs.module.js';
import { ConfigModule } from './config/config.module.js';
import type { Config } from './config/env.js';
import { ConnectionsModule } from './connections/connections.module.js';
import type { Clock } from './core/clock.js';
import { BelongingsModule } from './crm/belongings.module.js';
import { ContactImportModule } from './crm/contact-import.module.js';
import { ContactsModule } from './crm/contacts.module.js';
import { CrmModule } from './crm/crm.module.js';
import { PersonRightsModule } from './crm/person-rights.module.js';
import { DatabaseModule } from './database/database.module.js';
import { DeliveriesModule } from './deliveries/deliveries.module.js';
import { RecoveryModule } from './deliveries/recovery.module.js';
import { DialectsModule } from './dialects/dialects.module.js';
import { EventTypesModule } from './event-types/event-types.module.js';
import { ExportsModule } from './export/exports.module.js';
import { HealthController } from './health/health.controller.js';
import { InboundEventsModule } from './inbound-events/inbound-events.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { OutboxModule } from './outbox/outbox.module.js';
import { QueueModule } from './queue/queue.module.js';
import { RetentionModule } from './retention/retention.module.js';
import { SubscriptionsModule } from './subscriptions/subscriptions.module.js';
import { TenantsModule } from './tenants/tenants.module.js';

/** Puts a process together from its settings. */
@Module({})
export class AppModule {
  static forRoot(
    config: Config,
    databaseUrl: string,
    clock: Clock,
    furtherModules: NonNullable<ModuleMetadata['imports']> = [],
  ): DynamicModule {
    const deliveries = DeliveriesModule.forRoles(config.roles);
    const jobs = BackgroundJobsModule.forRoles(config.roles, deliveries);
    const crm = CrmModule.over([deliveries, jobs]);
    const contacts = ContactsModule.forRoles(config.roles, [jobs, crm]);
    const exports = ExportsModule.forRoles(config.roles, [crm, jobs]);
    const inbound = InboundEventsModule.forRoles(config.roles, [deliveries, jobs, crm]);
    const connections = ConnectionsModule.forRoles(config.roles, [inbound]);
    const rights = PersonRightsModule.forRoles(config.roles, [deliveries, jobs, crm, contacts]);
    return {
      module: AppModule,
      imports: [
        ConfigModule.with(config, clock),
        DatabaseModule.at(databaseUrl),
        QueueModule.forRoot(config.queue.redisUrl),
        TenantsModule,
        EventTypesModule,
        SubscriptionsModule,
        deliveries,
        jobs,
        crm,
        ContactImportModule.forRoles(config.roles, [jobs, crm]),
        contacts,
        BelongingsModule.forRoles(config.roles, [crm]),
        exports,
        inbound,
        connections,
        rights,
        AutomationsModule.forRoles(config.roles, [deliveries, jobs, crm, inbound, connections, rights]),
        RetentionModule,
        OutboxModule.forRoles(config.roles, [deliveries]),
        RecoveryModule.forRoles(config.roles, [deliveries, jobs]),
        MetricsModule,
        DialectsModule.over([SubscriptionsModule, deliveries, crm, contacts, inbound, exports]),
        ...furtherModules,
      ],
      controllers: [HealthController],
    };
  }
}
