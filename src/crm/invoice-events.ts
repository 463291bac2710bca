import type { Invoice } from './invoice.store.js';

/** `invoice.created` of the CRM vocabulary. */
export function invoiceCreated(invoice: Invoice): Record<string, unknown> {
  return {
    invoice_id: invoice.number,
    status: invoice.status,
    amount: invoice.amount === null ? null : Number(invoice.amount),
    currency: invoice.currency,
    contact_id: invoice.contactId,
    customer_email: invoice.customerEmail,
    due_at: invoice.dueAt?.toISOString() ?? null,
  };
}

/** `invoice.paid` of the CRM vocabulary. */
export function invoicePaid(invoice: Invoice): Record<string, unknown> {
  const { due_at: _dueAt, ...rest } = invoiceCreated(invoice);
  return { ...rest, paid_at: (invoice.paidAt ?? invoice.updatedAt).toISOString() };
}
