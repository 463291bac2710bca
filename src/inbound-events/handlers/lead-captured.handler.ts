import { Injectable } from '@nestjs/common';
import { ContactChanger } from '../../crm/contact-changer.js';
import type { ContactPatch } from '../../crm/contact-patch.js';
import { normalPhone } from '../../crm/phone.js';
import { TenantSettings } from '../../tenants/tenant-settings.js';
import { at, emailOf, objectOf, textOf } from './fields.js';
import type { Effects, HandledEvent, HandlerResult, InboundHandler } from './inbound-handler.js';

const MAX_ATTRIBUTES = 50;
const MAX_METADATA_CHARACTERS = 4000;

/**
 * `lead.captured` (the CRM guide, "Lead Capture from Website Form"): a contact with that e-mail address is made, or what the
 * lead says and the contact does not yet is filled in or changed. A lead that says nothing new changes nothing.
 */
@Injectable()
export class LeadCapturedHandler implements InboundHandler {
  readonly handles = ['api:lead.captured'];

  constructor(
    private readonly contacts: ContactChanger,
    private readonly settings: TenantSettings,
  ) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const lead = objectOf(event.fields, 'The body of lead.captured');
    const email = emailOf(lead.email, 'email');
    const source = textOf(lead.source, 200);
    const { defaultCountry } = await this.settings.get(event.tenantId);
    const phone = textOf(lead.phone, 50);
    // A lead with a number that is none is a lead all the same.
    const said = stated({ ...namesOf(lead), phone: phone && (normalPhone(phone, defaultCountry) ?? phone) });
    const values: ContactPatch = { ...said, attributes: attributesOf(lead) };
    const { contact, outcome, changed } = await this.contacts.upsert(
      effects,
      event.tenantId,
      { email },
      { email, source, ...values },
      // Where a contact came from first stays.
      (current) => ({ ...values, ...(current.source === null && stated({ source })) }),
    );
    return { kind: 'processed', did: { contactId: contact.id, created: outcome === 'created', changed } };
  }
}

/** What a lead does not say is no reason to clear it. */
function stated<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as Partial<T>;
}

function namesOf(lead: Record<string, unknown>): { firstName: string | null; lastName: string | null } {
  const [first, ...rest] = (textOf(lead.name, 200) ?? '').split(/\s+/);
  return {
    firstName: textOf(lead.first_name, 200) ?? (first || null),
    lastName: textOf(lead.last_name, 200) ?? (rest.join(' ') || null),
  };
}

/** utm_* parameters and small metadata; the whole lead stays readable as the inbound event. */
function attributesOf(lead: Record<string, unknown>): Record<string, unknown> {
  const utm = Object.entries(lead).filter(([name, value]) => /^utm_[a-z_]{1,40}$/.test(name) && textOf(value) !== null);
  const metadata = at(lead, 'metadata');
  const small =
    typeof metadata === 'object' && metadata !== null && JSON.stringify(metadata).length <= MAX_METADATA_CHARACTERS;
  return {
    ...Object.fromEntries(utm.slice(0, MAX_ATTRIBUTES).map(([name, value]) => [name, textOf(value)])),
    ...(small && { metadata: JSON.parse(JSON.stringify(metadata).replaceAll('\\u0000', '')) as unknown }),
  };
}
