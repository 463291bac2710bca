import { Injectable } from '@nestjs/common';
import { orNull, ProviderError } from '../connections/provider-error.js';
import { type PersonContent, personContent, personHash } from '../core/person-content.js';
import type { Contact } from '../crm/contact.store.js';
import { ExternalIdentityStore } from './external-identity.store.js';
import type { ExternalPeople, ExternalPerson } from './external-people.js';

export interface WrittenPerson {
  externalId: string;
  did: 'created' | 'updated' | 'found' | 'unchanged';
}

/**
 * The people of another system that our contacts are: by the identity map, else found there, else made. Tasks of one contact and
 * system are done one after the other, so that nobody is made twice.
 */
@Injectable()
export class PersonWriter {
  constructor(private readonly identities: ExternalIdentityStore) {}

  /** Says there what is known of the contact here, unless that is what was last said or seen there. */
  async sync(people: ExternalPeople, contact: Contact): Promise<WrittenPerson> {
    const { provider, kind } = people;
    const wanted = personContent(contact);
    const identity = await this.identities.findOfOwn(contact.tenantId, contact.id, { provider, kind });
    if (identity) {
      const { externalId } = identity;
      if (identity.contentHash === personHash(wanted)) return { externalId, did: 'unchanged' };
      const updated = await orNull(people.update(externalId, wanted));
      if (updated) return this.record(people, contact, updated, 'updated');
      await this.identities.forget(contact.tenantId, { provider, kind, externalId });
    }
    const found = await this.find(people, wanted);
    if (!found) return this.create(people, contact, wanted);
    if (personHash(found.content) === personHash(wanted)) return this.record(people, contact, found, 'found');
    return this.record(people, contact, await people.update(found.externalId, wanted), 'updated');
  }

  /** Who it is there, whatever is said of him there. */
  async ensure(people: ExternalPeople, contact: Contact): Promise<WrittenPerson> {
    const identity = await this.identities.findOfOwn(contact.tenantId, contact.id, {
      provider: people.provider,
      kind: people.kind,
    });
    if (identity) return { externalId: identity.externalId, did: 'unchanged' };
    const wanted = personContent(contact);
    const found = await this.find(people, wanted);
    return found ? this.record(people, contact, found, 'found') : this.create(people, contact, wanted);
  }

  private async create(people: ExternalPeople, contact: Contact, wanted: PersonContent): Promise<WrittenPerson> {
    try {
      return await this.record(people, contact, await people.create(wanted), 'created');
    } catch (error) {
      // Somebody has made it since we looked, or our own request did and its answer was lost.
      const taken = error instanceof ProviderError && error.failure === 'conflict';
      const found = taken ? await people.find(wanted) : null;
      if (!found) throw error;
      return this.record(people, contact, found, 'found');
    }
  }

  /** Two people may share a telephone number: another address is another person. */
  private async find(people: ExternalPeople, wanted: PersonContent): Promise<ExternalPerson | null> {
    if (!wanted.email && !wanted.phone) return null;
    const found = await people.find(wanted);
    const another = wanted.email && found?.content.email && found.content.email !== wanted.email;
    return another ? null : found;
  }

  private async record(
    { provider, kind }: ExternalPeople,
    contact: Contact,
    there: ExternalPerson,
    did: WrittenPerson['did'],
  ): Promise<WrittenPerson> {
    const { externalId, content, updatedAt } = there;
    const state = { contentHash: personHash(content), ...(updatedAt && { seenAt: updatedAt }) };
    await this.identities.record(contact.tenantId, { provider, kind, externalId }, contact.id, state);
    return { externalId, did };
  }
}
