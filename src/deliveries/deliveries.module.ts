import { BullModule } from '@nestjs/bullmq';
import { type DynamicModule, Module } from '@nestjs/common';
import type { ProcessRole } from '../config/env.js';
import { EventTypesModule } from '../event-types/event-types.module.js';
import { DueRelay } from '../queue/due-relay.js';
import { SubscriptionsModule } from '../subscriptions/subscriptions.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { AttemptStore } from './attempt.store.js';
import { AttemptRecorder } from './attempt-recorder.js';
import { ConformanceController } from './conformance.controller.js';
import { ConformanceChecker } from './conformance-checker.js';
import { DeliveryController } from './delivery.controller.js';
import { DELIVERY_QUEUE, DeliveryQueue } from './delivery.queue.js';
import { DeliveryService } from './delivery.service.js';
import { DeliveryStore } from './delivery.store.js';
import { DeliveryWorker } from './delivery.worker.js';
import { DeliveryAdmission } from './delivery-admission.js';
import { DeliveryBacklog } from './delivery-backlog.js';
import { DeliveryDispatcher } from './delivery-dispatcher.js';
import { EventController } from './event.controller.js';
import { EventService } from './event.service.js';
import { EventStore } from './event.store.js';
import { EventPublisher } from './event-publisher.js';
import { HealthKeeper } from './health-keeper.js';
import { HttpSender } from './http-sender.js';
import { MetaEvents } from './meta-events.js';
import { StatsController } from './stats.controller.js';
import { StatsService } from './stats.service.js';
import { StatsStore } from './stats.store.js';
import { SubscriptionHealthStore } from './subscription-health.store.js';

/** The outbound flow: events in, deliveries out. A process without the worker role has it all but the worker. */
@Module({})
export class DeliveriesModule {
  static forRoles(roles: readonly ProcessRole[]): DynamicModule {
    return {
      module: DeliveriesModule,
      imports: [
        TenantsModule,
        EventTypesModule,
        SubscriptionsModule,
        BullModule.registerQueue({ name: DELIVERY_QUEUE }),
      ],
      controllers: roles.includes('api')
        ? [EventController, DeliveryController, ConformanceController, StatsController]
        : [],
      providers: [
        EventStore,
        DeliveryStore,
        EventService,
        DeliveryService,
        EventPublisher,
        DeliveryQueue,
        DeliveryDispatcher,
        HttpSender,
        AttemptRecorder,
        AttemptStore,
        DeliveryAdmission,
        DeliveryBacklog,
        HealthKeeper,
        MetaEvents,
        ConformanceChecker,
        StatsStore,
        StatsService,
        SubscriptionHealthStore,
        DueRelay,
        ...(roles.includes('worker') ? [DeliveryWorker] : []),
      ],
      exports: [EventService, EventStore, DeliveryService, DeliveryQueue, DeliveryDispatcher, EventPublisher, DueRelay],
    };
  }
}
