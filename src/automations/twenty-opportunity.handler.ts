import { Injectable } from '@nestjs/common';
import { at, objectOf, textOf } from '../inbound-events/handlers/fields.js';
import {
  type Effects,
  type HandledEvent,
  type HandlerResult,
  type InboundHandler,
  PermanentFailure,
} from '../inbound-events/handlers/inbound-handler.js';
import { DealImporter, type ImportedDeal } from './deal-importer.js';
import { EventConnections } from './event-connections.js';
import { StageAutomationStore } from './stage-automation.store.js';
import { TaskPlanner } from './task-planner.js';
import { opportunityOfRecord, updatedAtOf } from './twenty-records.js';

/** An opportunity of Twenty is a deal here; entering a stage may lead to a message, a tag and an event (the MedFlow guide). */
@Injectable()
export class TwentyOpportunityHandler implements InboundHandler {
  readonly handles = ['twenty:opportunity.created', 'twenty:opportunity.updated'];

  constructor(
    private readonly deals: DealImporter,
    private readonly stages: StageAutomationStore,
    private readonly connections: EventConnections,
    private readonly planner: TaskPlanner,
  ) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const { tenantId } = event;
    const record = objectOf(at(event.fields, 'record'), 'The record of an opportunity event');
    const externalId = textOf(record.id);
    if (externalId === null) throw new PermanentFailure('The record has no id.');
    const state = opportunityOfRecord(record);
    const taken = await this.deals.take(effects, tenantId, externalId, state, updatedAtOf(record));
    if (taken.kind === 'stale') return { kind: 'ignored', why: 'A newer state of this opportunity is known.' };
    // It says what was last written there from here, or seen.
    if (taken.kind === 'known') return { kind: 'processed', did: { dealId: taken.dealId, deal: 'known' } };
    const entered = enteredStage(event, taken, state.stage);
    const did = { dealId: taken.deal.id, deal: taken.kind, stage: state.stage };
    if (entered === null) return { kind: 'processed', did };
    return {
      kind: 'processed',
      did: { ...did, ...(await this.automate(event, effects, taken, entered, state.personId)) },
    };
  }

  private async automate(
    event: HandledEvent,
    effects: Effects,
    { deal, stageBefore }: Exclude<ImportedDeal, { kind: 'stale' | 'known' }>,
    stage: string,
    personId: string | null,
  ): Promise<Record<string, unknown>> {
    const { tenantId } = event;
    const settings = await this.connections.settings(event, 'twenty');
    if (settings?.automations?.opportunityStages === false) return { automation: 'off' };
    const automation = await this.stages.findEnabled(effects.tx, tenantId, stage);
    if (!automation) return { automation: 'none' };
    const { templateName, tag, eventType } = automation;
    if (eventType) {
      const { id, title, amount, currency, contactId } = deal;
      effects.publish(eventType, {
        deal_id: id,
        title,
        stage,
        stage_before: stageBefore,
        amount: amount === null ? null : Number(amount),
        currency,
        contact_id: contactId,
      });
    }
    const updatedAt = textOf(at(event.fields, 'record', 'updatedAt')) ?? event.id;
    const planned =
      templateName || tag
        ? await this.planner.plan(effects, tenantId, [
            {
              kind: 'stage.actions',
              key: `stage.actions:${deal.id}:${stage}:${updatedAt}`,
              subject: `chatwoot:contact:${deal.contactId ?? personId ?? deal.id}`,
              payload: { dealId: deal.id, personId, stage, templateName, tag },
            },
          ])
        : [];
    return { automation: automation.id, planned };
  }
}

/** The stage it has come into; null when it was in it before, or began there. */
function enteredStage(
  { eventName, fields }: HandledEvent,
  taken: Exclude<ImportedDeal, { kind: 'stale' | 'known' }>,
  stage: string | null,
): string | null {
  if (stage === null || eventName !== 'opportunity.updated') return null;
  if (taken.stageBefore !== null) return taken.stageBefore === taken.deal.stage ? null : stage;
  const changed = at(fields, 'updatedFields');
  return Array.isArray(changed) && changed.includes('stage') ? stage : null;
}
