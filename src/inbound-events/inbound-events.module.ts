import { BullModule } from '@nestjs/bullmq';
import { type DynamicModule, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { JobRunner } from '../background-jobs/job-runner.js';
import type { ProcessRole } from '../config/env.js';
import { EventTypesModule } from '../event-types/event-types.module.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { EventEffects } from './event-effects.js';
import { EventProcessor } from './event-processor.js';
import { EventReceiver } from './event-receiver.js';
import { GoogleKeys } from './google-keys.js';
import { HandlerRegistry, INBOUND_HANDLERS } from './handlers/handler-registry.js';
import type { InboundHandler } from './handlers/inbound-handler.js';
import { LeadCapturedHandler } from './handlers/lead-captured.handler.js';
import { MessagesHandler } from './handlers/messages.handler.js';
import { PaymentReceivedHandler } from './handlers/payment-received.handler.js';
import { InboundAcceptor } from './inbound-acceptor.js';
import { InboundEventController } from './inbound-event.controller.js';
import { INBOUND_QUEUE, InboundEventQueue } from './inbound-event.queue.js';
import { InboundEventService } from './inbound-event.service.js';
import { InboundEventStore } from './inbound-event.store.js';
import { InboundEventWorker } from './inbound-event.worker.js';
import { InboundLimits } from './inbound-limits.js';
import { InboundReprocessor } from './inbound-reprocessor.js';
import { InboundRouter } from './inbound-router.js';
import { InboundSweeper } from './inbound-sweeper.js';
import { ProcessingStore } from './processing.store.js';
import { ReceiveController } from './receive.controller.js';
import { RouteController } from './route.controller.js';
import { RouteService } from './route.service.js';
import { RouteStore } from './route.store.js';
import { SourceController } from './source.controller.js';
import { SourceService } from './source.service.js';
import { SourceStore } from './source.store.js';
import { SourceActivity } from './source-activity.js';
import { SourceDirectory } from './source-directory.js';

const HANDLERS = [LeadCapturedHandler, PaymentReceivedHandler, MessagesHandler];

/** Tells the job runner of this feature's kinds of job. */
@Injectable()
class InboundJobs {
  constructor(runner: JobRunner, reprocessor: InboundReprocessor) {
    runner.add(reprocessor);
  }
}

/** The inbound flow: what workflows and providers send to us. A process without the worker role has it all but the worker. */
@Module({})
export class InboundEventsModule {
  /** @param flow the modules with the outbound flow, the background jobs and the CRM data */
  static forRoles(roles: readonly ProcessRole[], flow: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: InboundEventsModule,
      imports: [TenantsModule, EventTypesModule, BullModule.registerQueue({ name: INBOUND_QUEUE }), ...flow],
      controllers: roles.includes('api')
        ? [SourceController, RouteController, InboundEventController, ReceiveController]
        : [],
      providers: [
        SourceStore,
        SourceService,
        SourceDirectory,
        SourceActivity,
        GoogleKeys,
        InboundEventStore,
        InboundEventService,
        InboundLimits,
        InboundAcceptor,
        InboundEventQueue,
        EventReceiver,
        ProcessingStore,
        EventProcessor,
        EventEffects,
        InboundRouter,
        RouteStore,
        RouteService,
        ...HANDLERS,
        {
          provide: INBOUND_HANDLERS,
          inject: HANDLERS,
          useFactory: (...handlers: InboundHandler[]) => handlers,
        },
        HandlerRegistry,
        InboundReprocessor,
        InboundJobs,
        InboundSweeper,
        ...(roles.includes('worker') ? [InboundEventWorker] : []),
      ],
      exports: [InboundEventService, EventReceiver, SourceDirectory, SourceService, HandlerRegistry, InboundAcceptor],
    };
  }
}
