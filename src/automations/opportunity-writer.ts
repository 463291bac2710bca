import { Injectable } from '@nestjs/common';
import { ConnectionClients } from '../connections/connection-clients.js';
import { orNull } from '../connections/provider-error.js';
import type { OpportunityFields, TwentyClient, TwentyOpportunity } from '../connections/twenty-client.js';
import { contentHash } from '../core/content-hash.js';
import { isUuid } from '../core/ids.js';
import { type Booking, BookingStore } from '../crm/booking.store.js';
import { type Contact, ContactStore } from '../crm/contact.store.js';
import type { ClaimedTask } from './automation-task.store.js';
import { DealImporter } from './deal-importer.js';
import { ExternalIdentityStore } from './external-identity.store.js';
import { twentyPeople } from './external-people.js';
import { PersonWriter } from './person-writer.js';
import type { TaskOutcome, TaskPerformer } from './task-performer.js';

/** Which opportunity a booking has become. The other way round, an opportunity is the deal it is here. */
const OPPORTUNITY = { provider: 'twenty', kind: 'booking-opportunity' };

/** The MedFlow guide's words; the connection's `stages` setting says what a workspace calls them. */
const SCHEDULED = 'MEETING_SCHEDULED';
const CANCELLED = 'CANCELLED';

/**
 * Makes the opportunity in Twenty say what the booking here says. It goes by the booking as it is now: told twice or in another order,
 * the end is the same.
 */
@Injectable()
export class OpportunityWriter implements TaskPerformer {
  readonly kinds = ['twenty.opportunity'];

  constructor(
    private readonly clients: ConnectionClients,
    private readonly bookings: BookingStore,
    private readonly contacts: ContactStore,
    private readonly people: PersonWriter,
    private readonly identities: ExternalIdentityStore,
    private readonly deals: DealImporter,
  ) {}

  async perform(task: ClaimedTask): Promise<TaskOutcome> {
    const { tenantId } = task;
    const { bookingId } = task.payload as { bookingId: string };
    const client = await this.clients.twenty(tenantId);
    if (!client) return { kind: 'skipped', why: 'There is no enabled connection to Twenty any more.' };
    const booking = await this.bookings.find(tenantId, bookingId);
    const contact = booking && (await this.contacts.find(tenantId, booking.contactId));
    if (!contact) return { kind: 'skipped', why: 'The booking or its contact is not here any more.' };
    const wanted = wantedOf(booking);
    const wantedHash = contentHash({ ...wanted });
    const identity = await this.identities.findOfOwn(tenantId, booking.id, OPPORTUNITY);
    const named = booking.metadata.twenty_opportunity_id;
    const externalId = identity?.externalId ?? (isUuid(named) ? named : null);
    if (externalId && identity?.contentHash === wantedHash)
      return { kind: 'done', did: { opportunityId: externalId, did: 'unchanged' } };

    // What a person named in Twenty keeps its name.
    const { name, ...changes } = wanted;
    const updated = externalId && (await orNull(client.updateOpportunity(externalId, changes)));
    if (externalId && !updated && booking.status === 'cancelled')
      return { kind: 'skipped', why: 'The opportunity was deleted in Twenty, and the booking is cancelled.' };
    const opportunity = updated || (await this.create(client, contact, { ...changes, name }));
    await this.identities.record(tenantId, { ...OPPORTUNITY, externalId: opportunity.id }, booking.id, {
      contentHash: wantedHash,
    });
    const deal = await this.deals.recordWritten(tenantId, opportunity, contact.id, task);
    const did = updated ? 'updated' : 'created';
    return { kind: 'done', did: { opportunityId: opportunity.id, dealId: deal.id, stage: opportunity.stage, did } };
  }

  private async create(client: TwentyClient, contact: Contact, fields: OpportunityFields): Promise<TwentyOpportunity> {
    const person = await this.people.ensure(twentyPeople(client), contact);
    const made = await this.findMade(client, contact.tenantId, person.externalId, fields);
    if (made) return client.updateOpportunity(made.id, fields);
    return client.createOpportunity({ ...fields, contactId: person.externalId });
  }

  /** What an earlier try has made, when its answer was lost: the same person, name and date, and no other booking's. */
  private async findMade(
    client: TwentyClient,
    tenantId: string,
    personId: string,
    { name, closeDate }: OpportunityFields,
  ): Promise<TwentyOpportunity | null> {
    const filter = { and: [{ pointOfContactId: { eq: personId } }, { name: { eq: name } }] };
    for (const record of (await client.listOpportunities({ filter })).records) {
      const sameDate = record.closeDate && closeDate && new Date(record.closeDate).getTime() === closeDate.getTime();
      const ref = { ...OPPORTUNITY, externalId: record.id };
      if (sameDate && !(await this.identities.find(tenantId, ref))) return record;
    }
    return null;
  }
}

function wantedOf(booking: Booking): OpportunityFields & { closeDate: Date } {
  const title = typeof booking.metadata.title === 'string' ? booking.metadata.title : 'Booking';
  const stage = booking.status === 'cancelled' ? CANCELLED : SCHEDULED;
  // One that took place is moved on by people, in Twenty.
  const moved = booking.status !== 'completed' && booking.status !== 'no_show';
  return { name: title, ...(moved && { stage }), closeDate: booking.startTime };
}
