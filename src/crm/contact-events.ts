import type { Contact, ContactChanges } from './contact.store.js';

/** `contact.created` of the CRM vocabulary. */
export function contactCreated(contact: Contact): Record<string, unknown> {
  return {
    contact_id: contact.id,
    email: contact.email,
    first_name: contact.firstName,
    last_name: contact.lastName,
    phone: contact.phone,
  };
}

const NAMES: Record<string, string> = { firstName: 'first_name', lastName: 'last_name' };

/** `contact.updated` of the CRM vocabulary: the contact as it is now, and what changed. */
export function contactUpdated(contact: Contact, changes: ContactChanges): Record<string, unknown> {
  const named = Object.entries(changes).map(([name, change]) => [NAMES[name] ?? name, change]);
  return { ...contactCreated(contact), changes: Object.fromEntries(named) };
}
