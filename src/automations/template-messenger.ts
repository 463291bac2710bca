import { Injectable } from '@nestjs/common';
import { ConnectionClients } from '../connections/connection-clients.js';
import type { TwentyClient } from '../connections/twenty-client.js';
import { type Booking, BookingStore } from '../crm/booking.store.js';
import { type Contact, ContactStore } from '../crm/contact.store.js';
import { ContactChanger } from '../crm/contact-changer.js';
import { CrmWriter } from '../crm/crm-writer.js';
import { DealStore } from '../crm/deal.store.js';
import { DealChanger } from '../crm/deal-changer.js';
import type { ClaimedTask } from './automation-task.store.js';
import { ChatwootMessenger } from './chatwoot-messenger.js';
import { ContactImporter } from './contact-importer.js';
import { twentyPersonContent } from './external-people.js';
import { MessageComposer, type MessageSubject } from './message-composer.js';
import { originOf } from './task-origin.js';
import { TaskFailure, type TaskOutcome, type TaskPerformer } from './task-performer.js';

interface BookingMessage {
  bookingId: string;
  what: 'confirmed' | 'rescheduled' | 'cancelled';
  /** What the message is to say. */
  startTime: string;
}

interface StageActions {
  dealId: string;
  /** Twenty's id of the point of contact. */
  personId: string | null;
  stage: string;
  templateName: string | null;
  tag: string | null;
}

/** Tells contacts, through Chatwoot and in their language, what became of their booking or their deal. */
@Injectable()
export class TemplateMessenger implements TaskPerformer {
  readonly kinds = ['chatwoot.booking-message', 'stage.actions'];

  constructor(
    private readonly clients: ConnectionClients,
    private readonly composer: MessageComposer,
    private readonly messenger: ChatwootMessenger,
    private readonly bookings: BookingStore,
    private readonly contacts: ContactStore,
    private readonly deals: DealStore,
    private readonly contactChanger: ContactChanger,
    private readonly dealChanger: DealChanger,
    private readonly importer: ContactImporter,
    private readonly writer: CrmWriter,
  ) {}

  perform(task: ClaimedTask): Promise<TaskOutcome> {
    return task.kind === 'stage.actions' ? this.actOnStage(task) : this.tellOfBooking(task);
  }

  private async tellOfBooking(task: ClaimedTask): Promise<TaskOutcome> {
    const { tenantId } = task;
    const message = task.payload as unknown as BookingMessage;
    const booking = await this.bookings.find(tenantId, message.bookingId);
    const contact = booking && (await this.contacts.find(tenantId, booking.contactId));
    if (!contact) return { kind: 'skipped', why: 'The booking or its contact is not here any more.' };
    const untrue = whyUntrue(message, booking);
    if (untrue) return { kind: 'skipped', why: untrue };
    const { language, timeZone, title, location } = booking.metadata;
    return this.send(task, contact, `booking.${message.what}`, {
      contact,
      booking: {
        title: textOrNull(title),
        startTime: booking.startTime,
        location: textOrNull(location),
        reason: booking.cancelReason,
      },
      locales: [textOrNull(language), contact.locale],
      timeZone: textOrNull(timeZone) ?? contact.timezone,
    });
  }

  private async actOnStage(task: ClaimedTask): Promise<TaskOutcome> {
    const { tenantId } = task;
    const { dealId, stage, templateName, tag } = task.payload as unknown as StageActions;
    const deal = await this.deals.find(tenantId, dealId);
    if (!deal) return { kind: 'skipped', why: 'The deal is not here any more.' };
    const contact = await this.contactOf(task, deal.contactId);
    if (!contact) return { kind: 'skipped', why: 'The opportunity has no point of contact.' };
    if (tag) {
      await this.writer.write(tenantId, originOf(task, 'twenty'), (write) =>
        this.contactChanger.update(write, tenantId, contact.id, { tags: { add: [tag] } }),
      );
    }
    if (!templateName) return { kind: 'done', did: { contactId: contact.id, tag } };
    const about = {
      contact,
      deal: { title: deal.title, stage },
      locales: [contact.locale],
      timeZone: contact.timezone,
    };
    return this.send(task, contact, templateName, about);
  }

  /** Where the point of contact is not known yet, Twenty is asked who it is. */
  private async contactOf(task: ClaimedTask, contactId: string | null): Promise<Contact | null> {
    const { tenantId } = task;
    const { dealId, personId } = task.payload as unknown as StageActions;
    if (contactId) return this.contacts.find(tenantId, contactId);
    const client: TwentyClient | null = personId ? await this.clients.twenty(tenantId) : null;
    const person = client && (await client.getContact(personId as string));
    if (!person) return null;
    return this.writer.write(tenantId, originOf(task, 'twenty'), async (write) => {
      const ref = { provider: 'twenty', kind: 'person', externalId: person.id };
      const seenAt = person.updatedAt ? new Date(person.updatedAt) : null;
      const taken = await this.importer.take(write, tenantId, ref, twentyPersonContent(person), seenAt);
      if (taken.kind === 'stale') return null;
      const id = taken.kind === 'known' ? taken.contactId : taken.contact.id;
      await this.dealChanger.update(write, tenantId, dealId, { contactId: id });
      return write.tx.contact.findUnique({ where: { id, tenantId } });
    });
  }

  private async send(
    task: ClaimedTask,
    contact: Contact,
    template: string,
    about: MessageSubject,
  ): Promise<TaskOutcome> {
    const client = await this.clients.chatwoot(task.tenantId);
    if (!client) return { kind: 'skipped', why: 'There is no enabled connection to Chatwoot any more.' };
    const message = await this.composer.compose(task.tenantId, template, about);
    if (!message) {
      throw new TaskFailure(
        `There is no message template "${template}": make it with POST /api/v1/message-templates and try again.`,
      );
    }
    const sent = await this.messenger.sendToContact(client, contact, message.text, task);
    return { kind: 'done', did: { contactId: contact.id, ...sent, template, language: message.language } };
  }
}

/** Why what the message was to say is not so any more, or null. */
function whyUntrue({ what, startTime }: BookingMessage, booking: Booking): string | null {
  const cancelled = booking.status === 'cancelled';
  if (what === 'cancelled') return cancelled ? null : 'The booking is not cancelled any more.';
  if (cancelled) return 'The booking has been cancelled meanwhile.';
  return booking.startTime.toISOString() === startTime ? null : 'The booking has been moved meanwhile.';
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
