import type { Booking } from './booking.store.js';
import type { Contact } from './contact.store.js';
import type { Conversation } from './conversation.store.js';
import type { Deal } from './deal.store.js';
import type { Invoice } from './invoice.store.js';
import type { Message } from './message.store.js';
import type { QrCode } from './qr-code.store.js';

/** For each field its value before and after, by the field's name in our model (`firstName`). */
export type Changes = Record<string, { old: unknown; new: unknown }>;

export interface AppliedTag {
  id: string;
  name: string;
  appliedAt: Date;
}

export interface CustomFieldChange {
  id: string;
  name: string;
  old: unknown;
  new: unknown;
}

/** A contact with what is told about it everywhere: its tags. */
export interface FullContact extends Contact {
  tags: AppliedTag[];
}

/**
 * Something that happened to a tenant's data, told once by whoever wrote it (crm-writer, or a handler's `tell`). Each is rendered in
 * every vocabulary (renderings.ts). A write that changed nothing tells nothing.
 */
export type DomainChange =
  | { kind: 'contact-created'; contact: Contact }
  /** Everything that one write changed of one contact; at least one of the four is not empty. */
  | {
      kind: 'contact-updated';
      contact: Contact;
      changes: Changes;
      customFields: CustomFieldChange[];
      tagsAdded: AppliedTag[];
      tagsRemoved: AppliedTag[];
    }
  /** Loaded before the row went. */
  | { kind: 'contact-deleted'; contact: FullContact; deletedAt: Date }
  | { kind: 'booking-created'; booking: Booking }
  /** Cancelled and completed are changes of the status. */
  | { kind: 'booking-updated'; booking: Booking; changes: Changes }
  | { kind: 'booking-deleted'; booking: Booking; deletedAt: Date }
  | { kind: 'qr-scanned'; qrCode: QrCode; scannedBy: string | null }
  | { kind: 'qr-validated'; qrCode: QrCode }
  | { kind: 'deal-created'; deal: Deal }
  /** Won is a change of `wonAt`. */
  | { kind: 'deal-updated'; deal: Deal; changes: Changes }
  | { kind: 'invoice-created'; invoice: Invoice }
  /** Paid is a change of the status. */
  | { kind: 'invoice-updated'; invoice: Invoice; changes: Changes }
  | { kind: 'conversation-created'; conversation: Conversation }
  | { kind: 'message-recorded'; message: Message; conversation: Conversation };

export type ChangeOf<Kind extends DomainChange['kind']> = Extract<DomainChange, { kind: Kind }>;

/**
 * Whose change it is: events of one person keep their order for subscriptions that are ordered, so that a booking does not arrive
 * before its contact. Of what belongs to nobody, the thing itself.
 */
export function subjectOf(change: DomainChange): string {
  if ('contact' in change) return change.contact.id;
  const thing = thingOf(change);
  return thing.contactId ?? thing.id;
}

function thingOf(change: Exclude<DomainChange, { contact: unknown }>): { id: string; contactId: string | null } {
  if ('booking' in change) return change.booking;
  if ('qrCode' in change) return change.qrCode;
  if ('deal' in change) return change.deal;
  return 'invoice' in change ? change.invoice : change.conversation;
}

/** Where a change comes from: what the FlowKick vocabulary says as `metadata.source`, and what stops loops. */
export interface ChangeOrigin {
  /** `api`, `import`, `lead.captured`, `manychat_sync` … */
  source: string;
  /** How often what led to it has been through here and a workflow; null: it began here. */
  hops: number | null;
  /** Member or API key behind it; absent: nobody in particular. */
  actorId?: string | null;
  /** Further metadata of the events: `{inboundEventId}`. */
  metadata?: Record<string, unknown>;
}
