import { Injectable } from '@nestjs/common';
import { ConnectionClients } from '../connections/connection-clients.js';
import { ContactStore } from '../crm/contact.store.js';
import type { ClaimedTask } from './automation-task.store.js';
import { chatwootPeople, twentyPeople } from './external-people.js';
import { PersonWriter } from './person-writer.js';
import type { TaskOutcome, TaskPerformer } from './task-performer.js';

/** Says what is known of a contact here in Chatwoot or in Twenty: as it is when the task is done, not as it was when it was planned. */
@Injectable()
export class ContactSyncer implements TaskPerformer {
  readonly kinds = ['chatwoot.contact', 'twenty.person'];

  constructor(
    private readonly clients: ConnectionClients,
    private readonly contacts: ContactStore,
    private readonly writer: PersonWriter,
  ) {}

  async perform({ tenantId, kind, payload }: ClaimedTask): Promise<TaskOutcome> {
    const { contactId } = payload as { contactId: string };
    const contact = await this.contacts.find(tenantId, contactId);
    if (!contact) return { kind: 'skipped', why: 'The contact is not here any more.' };
    const people = await this.peopleOf(tenantId, kind);
    if (!people) return { kind: 'skipped', why: 'There is no enabled connection any more.' };
    const { externalId, did } = await this.writer.sync(people, contact);
    return { kind: 'done', did: { contactId, [`${people.provider}Id`]: externalId, did } };
  }

  private async peopleOf(tenantId: string, kind: string) {
    if (kind === 'twenty.person') {
      const client = await this.clients.twenty(tenantId);
      return client && twentyPeople(client);
    }
    const client = await this.clients.chatwoot(tenantId);
    return client && chatwootPeople(client);
  }
}
