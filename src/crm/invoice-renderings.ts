import type { Changes } from './domain-change.js';
import type { Invoice } from './invoice.store.js';
import { moneyNumber } from './money.js';
import { inSnakeCase, type RenderedEvent, type Rendering, rendering } from './rendering.js';

/** Invoices in the CRM vocabulary. One that is paid is told as `invoice.paid` beside the change itself. */
export const INVOICE_RENDERINGS: readonly Rendering[] = [
  rendering('invoice-created', ['invoice.created', 'invoice.paid'], ({ invoice }) => [
    { type: 'invoice.created', data: { ...crmInvoice(invoice), due_at: dueAt(invoice) } },
    ...(invoice.status === 'paid' ? [invoicePaid(invoice)] : []),
  ]),
  rendering('invoice-updated', ['invoice.updated', 'invoice.paid'], ({ invoice, changes }) => [
    {
      type: 'invoice.updated',
      data: { ...crmInvoice(invoice), due_at: dueAt(invoice), changes: crmChanges(changes) },
    },
    ...(changes.status?.new === 'paid' ? [invoicePaid(invoice)] : []),
  ]),
];

function crmInvoice(invoice: Invoice): Record<string, unknown> {
  return {
    invoice_id: invoice.number,
    status: invoice.status,
    amount: moneyNumber(invoice.amount),
    currency: invoice.currency,
    contact_id: invoice.contactId,
    customer_email: invoice.customerEmail,
  };
}

function invoicePaid(invoice: Invoice): RenderedEvent {
  const paidAt = (invoice.paidAt ?? invoice.updatedAt).toISOString();
  return { type: 'invoice.paid', data: { ...crmInvoice(invoice), paid_at: paidAt } };
}

function crmChanges({ number, amount, ...others }: Changes): Changes {
  return {
    ...(number && { invoice_id: number }),
    ...(amount && { amount: { old: moneyNumber(amount.old), new: moneyNumber(amount.new) } }),
    ...inSnakeCase(others),
  };
}

const dueAt = (invoice: Invoice) => invoice.dueAt?.toISOString() ?? null;
