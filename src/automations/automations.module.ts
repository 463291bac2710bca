import { type DynamicModule, Inject, Injectable, Module, type ModuleMetadata } from '@nestjs/common';
import { JobRunner } from '../background-jobs/job-runner.js';
import type { ProcessRole } from '../config/env.js';
import { OutgoingMessages } from '../crm/outgoing-messages.js';
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
import { CalendlyInviteeHandler } from './calendly-invitee.handler.js';
import { ChatwootAiHandler } from './chatwoot-ai.handler.js';
import { ChatwootContactHandler } from './chatwoot-contact.handler.js';
import { ChatwootConversationHandler } from './chatwoot-conversation.handler.js';
import { ChatwootMessenger } from './chatwoot-messenger.js';
import { ContactImporter } from './contact-importer.js';
import { ContactSyncer } from './contact-syncer.js';
import { DealImporter } from './deal-importer.js';
import { ErasureTeller } from './erasure-teller.js';
import { EventConnections } from './event-connections.js';
import { ExternalIdentityStore } from './external-identity.store.js';
import { GmailNotificationHandler } from './gmail-notification.handler.js';
import { HandOver } from './hand-over.js';
import { MailReader } from './mail-reader.js';
import { MessageComposer } from './message-composer.js';
import { MessageSender } from './message-sender.js';
import { MessageTemplateController } from './message-template.controller.js';
import { MessageTemplateService } from './message-template.service.js';
import { MessageTemplateStore } from './message-template.store.js';
import { OpportunityWriter } from './opportunity-writer.js';
import { PersonWriter } from './person-writer.js';
import { ProviderChanges } from './provider-changes.js';
import { Reconciler } from './reconciler.js';
import { ReconciliationController } from './reconciliation.controller.js';
import { ReconciliationService } from './reconciliation.service.js';
import { ReconciliationStore } from './reconciliation.store.js';
import { ReconciliationScheduler } from './reconciliation-scheduler.js';
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
  CalendlyInviteeHandler,
  ChatwootContactHandler,
  ChatwootConversationHandler,
  ChatwootAiHandler,
  GmailNotificationHandler,
];
const PERFORMERS = [
  ContactSyncer,
  OpportunityWriter,
  TemplateMessenger,
  AiAnswerer,
  HandOver,
  MessageSender,
  MailReader,
];

/** Tells the inbound flow what is done for an event, and the runner how tasks are done. */
@Injectable()
class Automations {
  constructor(
    registry: HandlerRegistry,
    runner: AutomationRunner,
    @Inject(AUTOMATION_HANDLERS) handlers: InboundHandler[],
    @Inject(TASK_PERFORMERS) performers: TaskPerformer[],
    outgoing: OutgoingMessages,
    sender: MessageSender,
    jobs: JobRunner,
    reconciler: Reconciler,
  ) {
    outgoing.carriedBy(sender);
    jobs.add(reconciler);

    for (const handler of handlers) registry.add(handler);
    for (const performer of performers) runner.add(performer);
  }
}

/** In a worker tasks are done, not only planned. */
@Injectable()
class AutomationWorker {
  constructor(runner: AutomationRunner, reconciliations: ReconciliationScheduler, erasures: ErasureTeller) {
    runner.start();
    erasures.start();
    reconciliations.start();
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
        ? [AutomationTaskController, MessageTemplateController, StageAutomationController, ReconciliationController]
        : [],
      providers: [
        AutomationTaskStore,
        AutomationTaskService,
        AutomationRunner,
        ErasureTeller,
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
        ReconciliationStore,
        ReconciliationService,
        ReconciliationScheduler,
        ProviderChanges,
        Reconciler,
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
