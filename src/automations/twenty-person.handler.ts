import { Injectable } from '@nestjs/common';
import { at, objectOf, textOf } from '../inbound-events/handlers/fields.js';
import {
  type Effects,
  type HandledEvent,
  type HandlerResult,
  type InboundHandler,
  PermanentFailure,
} from '../inbound-events/handlers/inbound-handler.js';
import { ContactImporter } from './contact-importer.js';
import { EventConnections } from './event-connections.js';
import { TaskPlanner } from './task-planner.js';
import { personOfRecord, updatedAtOf } from './twenty-records.js';

/** A person of Twenty becomes a contact here and in Chatwoot (the MedFlow guide, "Twenty CRM → MedFlow"). */
@Injectable()
export class TwentyPersonHandler implements InboundHandler {
  readonly handles = ['twenty:person.created', 'twenty:person.updated'];

  constructor(
    private readonly contacts: ContactImporter,
    private readonly connections: EventConnections,
    private readonly planner: TaskPlanner,
  ) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const { tenantId } = event;
    const record = objectOf(at(event.fields, 'record'), 'The record of a person event');
    const externalId = textOf(record.id);
    if (externalId === null) throw new PermanentFailure('The record has no id.');
    const person = personOfRecord(record);
    if (Object.values(person).every((value) => value === null))
      return { kind: 'ignored', why: 'The person has neither name nor address nor telephone number.' };
    const ref = { provider: 'twenty', kind: 'person', externalId };
    const taken = await this.contacts.take(effects, tenantId, ref, person, updatedAtOf(record), { source: 'twenty' });
    if (taken.kind === 'stale') return { kind: 'ignored', why: 'A newer state of this person is known.' };
    // It says what was last written there from here, or seen.
    if (taken.kind === 'known') return { kind: 'processed', did: { contactId: taken.contactId, contact: 'known' } };
    const { contact } = taken;
    const settings = await this.connections.settings(event, 'twenty');
    const wanted = settings?.automations?.contactsToChatwoot !== false;
    const planned =
      wanted && (await this.connections.has(tenantId, 'chatwoot'))
        ? await this.planner.plan(effects, tenantId, [
            {
              kind: 'chatwoot.contact',
              key: `chatwoot.contact:${contact.id}:twenty:${externalId}:${textOf(record.updatedAt) ?? event.id}`,
              subject: `chatwoot:contact:${contact.id}`,
              payload: { contactId: contact.id },
            },
          ])
        : [];
    return { kind: 'processed', did: { contactId: contact.id, contact: taken.kind, planned } };
  }
}
