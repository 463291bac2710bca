import { Injectable } from '@nestjs/common';
import { personContent, splitName } from '../core/person-content.js';
import { at, textOf } from '../inbound-events/handlers/fields.js';
import {
  type Effects,
  type HandledEvent,
  type HandlerResult,
  type InboundHandler,
  PermanentFailure,
} from '../inbound-events/handlers/inbound-handler.js';
import { ContactImporter } from './contact-importer.js';
import { EventConnections } from './event-connections.js';
import { ExternalIdentityStore } from './external-identity.store.js';
import { TaskPlanner } from './task-planner.js';

/** A contact of Chatwoot becomes a contact here and a person in Twenty (the MedFlow guide, "Chatwoot → MedFlow"). */
@Injectable()
export class ChatwootContactHandler implements InboundHandler {
  readonly handles = ['chatwoot:contact_created', 'chatwoot:contact_updated'];

  constructor(
    private readonly contacts: ContactImporter,
    private readonly identities: ExternalIdentityStore,
    private readonly connections: EventConnections,
    private readonly planner: TaskPlanner,
  ) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const { tenantId } = event;
    // Chatwoot sends the contact's fields at the top; the guide prints them in `contact`.
    const said = at(event.fields, 'contact') ?? event.fields;
    const externalId = textOf(at(said, 'id'));
    if (externalId === null) throw new PermanentFailure('The contact has no id.');
    const ref = { provider: 'chatwoot', kind: 'contact', externalId };
    const email = textOf(at(said, 'email'), 320);
    const phone = textOf(at(said, 'phone_number'), 50);
    if (email === null && phone === null)
      return { kind: 'ignored', why: 'The contact has neither e-mail address nor telephone number yet.' };
    // Chatwoot does not say of when a state is: what is known of a contact is newer than its creation.
    const created = event.eventName === 'contact_created';
    const known = created ? await this.identities.find(tenantId, ref, effects.tx) : null;
    if (known) return { kind: 'processed', did: { contactId: known.ownId, contact: 'known' } };
    const person = personContent({ ...splitName(textOf(at(said, 'name'))), email, phone });
    const taken = await this.contacts.take(effects, tenantId, ref, person, null, { source: 'chatwoot' });
    if (taken.kind === 'stale') return { kind: 'ignored', why: 'A newer state of this contact is known.' };
    if (taken.kind === 'known') return { kind: 'processed', did: { contactId: taken.contactId, contact: 'known' } };
    const { contact } = taken;
    const settings = await this.connections.settings(event, 'chatwoot');
    const wanted = settings?.automations?.contactsToTwenty !== false;
    const planned =
      wanted && (await this.connections.has(tenantId, 'twenty'))
        ? await this.planner.plan(effects, tenantId, [
            {
              kind: 'twenty.person',
              key: `twenty.person:${contact.id}:chatwoot:${externalId}:${created ? 'created' : event.id}`,
              subject: `twenty:contact:${contact.id}`,
              payload: { contactId: contact.id },
            },
          ])
        : [];
    return { kind: 'processed', did: { contactId: contact.id, contact: taken.kind, planned } };
  }
}
