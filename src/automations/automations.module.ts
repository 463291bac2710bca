import { type DynamicModule, Inject, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import type { ProcessRole } from '../config/env.js';
import { HandlerRegistry } from '../inbound-events/handlers/handler-registry.js';
import type { InboundHandler } from '../inbound-events/handlers/inbound-handler.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { AiAnswerer } from './ai-answerer.js';
import { AiClient } from './ai-client.js';
import { AutomationRunner } from './automation-runner.js';
import { AutomationTaskController } from './automation-task.controller.js';
import { AutomationTaskService } from './automation-task.service.js';
import { AutomationTaskStore } from './automation-task.store.js';
import { BookingImporter } from './booking-importer.js';
import { CalcomBookingHandler } from './calcom-booking.handler.js';
import { ChatwootAiHandler } from './chatwoot-ai.handler.js';
import { ChatwootContactHandler } from './chatwoot-contact.handler.js';
import { ChatwootMessenger } from './chatwoot-messenger.js';
import { ContactImporter } from './contact-importer.js';
import { ContactSyncer } from './contact-syncer.js';
import { DealImporter } from './deal-importer.js';
import { EventConnections } from './event-connections.js';
import { ExternalIdentityStore } from './external-identity.store.js';
import { HandOver } from './hand-over.js';
import { MessageComposer } from './message-composer.js';
import { MessageTemplateController } from './message-template.controller.js';
import { MessageTemplateService } from './message-template.service.js';
import { MessageTemplateStore } from './message-template.store.js';
import { OpportunityWriter } from './opportunity-writer.js';
import { PersonWriter } from './person-writer.js';
import { StageAutomationController } from './stage-automation.controller.js';
import { StageAutomationService } from './stage-automation.service.js';
import { StageAutomationStore } from './stage-automation.store.js';
import type { TaskPerformer } from './task-performer.js';
import { TaskPlanner } from './task-planner.js';
import { TemplateMessenger } from './template-messenger.js';
import { TwentyOpportunityHandler } from './twenty-opportunity.handler.js';
import { TwentyPersonHandler } from './twenty-person.handler.js';

/** By which the arrays of all handlers and performers are injected. */
const AUTOMATION_HANDLERS = Symbol('automation handlers');
const TASK_PERFORMERS = Symbol('task performers');

const HANDLERS = [
  TwentyPersonHandler,
  TwentyOpportunityHandler,
  CalcomBookingHandler,
  ChatwootContactHandler,
  ChatwootAiHandler,
];
const PERFORMERS = [ContactSyncer, OpportunityWriter, TemplateMessenger, AiAnswerer, HandOver];

/** Tells the inbound flow what is done for an event, and the runner how tasks are done. */
@Injectable()
class Automations {
  constructor(
    registry: HandlerRegistry,
    runner: AutomationRunner,
    @Inject(AUTOMATION_HANDLERS) handlers: InboundHandler[],
    @Inject(TASK_PERFORMERS) performers: TaskPerformer[],
  ) {
    for (const handler of handlers) registry.add(handler);
    for (const performer of performers) runner.add(performer);
  }
}

/** In a worker tasks are done, not only planned. */
@Injectable()
class AutomationWorker {
  constructor(runner: AutomationRunner) {
    runner.start();
  }
}

/** What inbound events lead to at other providers: planned with the event, done after it. */
@Module({})
export class AutomationsModule {
  /** @param flow the modules with the outbound and the inbound flow, the CRM data and the connections */
  static forRoles(roles: readonly ProcessRole[], flow: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: AutomationsModule,
      imports: [TenantsModule, ...flow],
      controllers: roles.includes('api')
        ? [AutomationTaskController, MessageTemplateController, StageAutomationController]
        : [],
      providers: [
        AutomationTaskStore,
        AutomationTaskService,
        AutomationRunner,
        TaskPlanner,
        ExternalIdentityStore,
        EventConnections,
        ContactImporter,
        BookingImporter,
        DealImporter,
        PersonWriter,
        ChatwootMessenger,
        MessageTemplateStore,
        MessageTemplateService,
        MessageComposer,
        StageAutomationStore,
        StageAutomationService,
        AiClient,
        ...HANDLERS,
        ...PERFORMERS,
        { provide: AUTOMATION_HANDLERS, inject: HANDLERS, useFactory: (...all: InboundHandler[]) => all },
        { provide: TASK_PERFORMERS, inject: PERFORMERS, useFactory: (...all: TaskPerformer[]) => all },
        Automations,
        ...(roles.includes('worker') ? [AutomationWorker] : []),
      ],
    };
  }
}
