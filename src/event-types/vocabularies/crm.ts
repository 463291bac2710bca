import type { BuiltInEventType, JsonSchema } from './built-in-event-type.js';
import { changesOf, dataSchema, emailOrNull, text, textOrNull, time, timeOrNull } from './built-in-event-type.js';

/**
 * The events of the CRM guide, flat and in snake_case. The guide prints `{contact_id, email}` for contacts and
 * reads `stage` of a deal; the other fields are what the data behind them has. A change carries `changes` beside.
 *
 * `email.*` and `message.*` say in this vocabulary what came in from a mailbox or a messenger (named by the Calendly
 * guide); they have the same fields as `email.recebido` … and `whatsapp.mensagem.…` of the Portuguese one.
 * `user.created`, which the CRM guide lists too, has the FlowKick meaning (a contact); a new login is `member.created`.
 */
const contact_id = text('Id of the contact.');
const email = emailOrNull('E-mail address; null when not known.');
const changes = changesOf('What changed: for each field its old and its new value.', 'old', 'new');
const contactDetails = {
  first_name: textOrNull('Given name.'),
  last_name: textOrNull('Family name.'),
  phone: textOrNull('Telephone number.'),
};

const amount = {
  type: ['number', 'null'],
  description: 'Money in the main unit of the currency (129.9 is 129.90); null when not known.',
};
const currency = textOrNull('ISO 4217 code: BRL.');
const deal_id = text('Id of the deal.');
const stage = text('Stage of the pipeline the deal is in now.');
const dealDetails = {
  title: textOrNull('What the deal is called.'),
  amount,
  currency,
  contact_id: textOrNull('Id of the contact the deal is with.'),
};
const dealExample = {
  deal_id: '7f4df2c1-6c0e-4d2b-9a53-2f3f0f3b7c11',
  stage: 'proposal',
  title: 'Annual plan',
  amount: 1290.5,
  currency: 'BRL',
  contact_id: '550e8400-e29b-41d4-a716-446655440000',
};

const invoice_id = text('Id of the invoice, as its sender numbers it.');
const invoiceDetails = {
  contact_id: textOrNull('Id of the contact the invoice is for.'),
  customer_email: emailOrNull('E-mail address of the customer; null when not known.'),
};
const invoiceExample = {
  invoice_id: 'in_1042',
  status: 'open',
  amount: 129.9,
  currency: 'BRL',
  contact_id: '550e8400-e29b-41d4-a716-446655440000',
  customer_email: 'john@example.com',
};
const invoiceStatus = text('open, paid, or a word of the host.');

const message_id = text('Id of the message where it came from.');
const account_id = text('The mailbox that received or sent it.');
const conversation_id = text('The conversation the message belongs to.');
const subject = textOrNull('Subject; null when there is none.');
const body = textOrNull('Text; null when the message carries media alone.');
const type = text('Kind of message: TEXT, IMAGE …');
const channel = text('Where it travelled: whatsapp …');

export const CRM_EVENT_TYPES: readonly BuiltInEventType[] = [
  event('contact.created', 'A contact was created.', { contact_id, email }, contactDetails, {
    contact_id: '550e8400-e29b-41d4-a716-446655440000',
    email: 'john@example.com',
  }),
  event(
    'contact.updated',
    'A contact changed. `email` is the address as it is now.',
    { contact_id, email },
    { ...contactDetails, changes },
    {
      contact_id: '550e8400-e29b-41d4-a716-446655440000',
      email: 'john@example.com',
      changes: { phone: { old: null, new: '+1234567890' } },
    },
  ),
  event('contact.deleted', 'A contact was deleted.', { contact_id, email }, contactDetails, {
    contact_id: '550e8400-e29b-41d4-a716-446655440000',
    email: 'john@example.com',
  }),
  event('deal.created', 'A deal was opened.', { deal_id, stage }, dealDetails, dealExample),
  event(
    'deal.updated',
    'A deal changed, for instance its stage. `stage` is the stage it is in now; a won deal has `won`.',
    { deal_id, stage },
    { ...dealDetails, changes },
    { ...dealExample, stage: 'won', changes: { stage: { old: 'proposal', new: 'won' } } },
  ),
  event(
    'deal.won',
    'A deal was won. `deal.updated` with `stage: "won"` is sent as well.',
    { deal_id, stage },
    { ...dealDetails, won_at: time('When it was won.') },
    { ...dealExample, stage: 'won', won_at: '2025-01-15T10:30:00Z' },
  ),
  event(
    'invoice.created',
    'An invoice was made.',
    { invoice_id, status: invoiceStatus, amount, currency },
    { ...invoiceDetails, due_at: timeOrNull('When it is due; null when it has no date.') },
    { ...invoiceExample, due_at: '2025-01-31T00:00:00Z' },
  ),
  event(
    'invoice.updated',
    'An invoice changed, for instance its status or when it is due.',
    { invoice_id, status: invoiceStatus, amount, currency },
    { ...invoiceDetails, due_at: timeOrNull('When it is due; null when it has no date.'), changes },
    {
      ...invoiceExample,
      status: 'void',
      due_at: '2025-01-31T00:00:00Z',
      changes: { status: { old: 'open', new: 'void' } },
    },
  ),
  event(
    'invoice.paid',
    'An invoice was paid in full.',
    { invoice_id, status: invoiceStatus, amount, currency, paid_at: time('When it was paid.') },
    invoiceDetails,
    { ...invoiceExample, status: 'paid', paid_at: '2025-01-15T10:30:00Z' },
  ),
  event(
    'member.created',
    'A person was given a login to the tenant.',
    {
      member_id: text('Id of the member.'),
      email,
      name: textOrNull('Name of the person.'),
      role: text('owner, admin, developer or viewer.'),
    },
    {},
    {
      member_id: '8d0f6f0a-53a1-4c55-8f43-6f0d3a1f2b90',
      email: 'ana@example.com',
      name: 'Ana Souza',
      role: 'developer',
    },
  ),
  event(
    'email.received',
    'An e-mail arrived in a connected mailbox.',
    {
      account_id,
      message_id,
      subject,
      from: text('Address of the sender.'),
      text: body,
      received_at: time('When it arrived.'),
    },
    { to: text('Address it was sent to.') },
    {
      account_id: 'support@example.com',
      message_id: '18c5f2d7a9b3e410',
      subject: 'A question about the system',
      from: 'john@example.com',
      text: 'I would like to know more about the system.',
      received_at: '2025-01-15T10:30:00Z',
    },
  ),
  event(
    'email.sent',
    'An e-mail was sent from a connected mailbox.',
    {
      account_id,
      message_id,
      subject,
      to: text('Address of the recipient.'),
      sent_at: time('When it was sent.'),
    },
    { text: body },
    {
      account_id: 'support@example.com',
      message_id: '18c5f2d7a9b3e411',
      subject: 'Re: A question about the system',
      to: 'john@example.com',
      sent_at: '2025-01-15T10:45:00Z',
    },
  ),
  event(
    'message.received',
    'A message arrived on a messenger.',
    {
      conversation_id,
      message_id,
      from: text('Who wrote: a telephone number with country code, or the name the channel uses.'),
      text: body,
      type,
      received_at: time('When it arrived.'),
    },
    { channel },
    {
      conversation_id: '5511999999999',
      message_id: 'SM0123456789abcdef0123456789abcdef',
      from: '5511999999999',
      text: 'Hello, I need help',
      type: 'TEXT',
      channel: 'whatsapp',
      received_at: '2025-01-15T10:30:00Z',
    },
  ),
  event(
    'message.sent',
    'A message was sent on a messenger.',
    {
      conversation_id,
      message_id,
      to: text('Who receives it: a telephone number with country code, or the name the channel uses.'),
      text: body,
      type,
      sent_at: time('When it was sent.'),
    },
    { channel },
    {
      conversation_id: '5511999999999',
      message_id: 'SM0123456789abcdef0123456789abcde0',
      to: '5511999999999',
      text: 'Hello, how can I help?',
      type: 'TEXT',
      channel: 'whatsapp',
      sent_at: '2025-01-15T10:31:00Z',
    },
  ),
];

function event(
  name: string,
  description: string,
  required: Record<string, JsonSchema>,
  optional: Record<string, JsonSchema>,
  example: Record<string, unknown>,
): BuiltInEventType {
  return { name, vocabulary: 'crm', description, schema: dataSchema(required, optional), example };
}
