import { Injectable } from '@nestjs/common';
import { InvoiceStore } from '../../crm/invoice.store.js';
import { invoiceCreated, invoicePaid } from '../../crm/invoice-events.js';
import { emailOf, objectOf, textOf } from './fields.js';
import {
  type Effects,
  type HandledEvent,
  type HandlerResult,
  type InboundHandler,
  PermanentFailure,
} from './inbound-handler.js';

const MAX_AMOUNT = 1e13;

/**
 * `payment.received` (the CRM guide, "Stripe Payment → Create Invoice in CRM"): the invoice with that id is paid; one that is not
 * known yet is made. Paid twice it stays as it is.
 */
@Injectable()
export class PaymentReceivedHandler implements InboundHandler {
  readonly handles = ['api:payment.received'];

  constructor(private readonly invoices: InvoiceStore) {}

  async handle(event: HandledEvent, { tx, now, publish }: Effects): Promise<HandlerResult> {
    const payment = objectOf(event.fields, 'The body of payment.received');
    const number = textOf(payment.invoice_id, 200);
    if (number === null)
      throw new PermanentFailure('The field "invoice_id" is missing: it names the invoice that was paid.');
    const { invoice, created, newlyPaid } = await this.invoices.pay(
      tx,
      event.tenantId,
      {
        number,
        amount: amountOf(payment.amount),
        currency: textOf(payment.currency, 3)?.toUpperCase() ?? null,
        customerEmail: emailOf(payment.customer_email, 'customer_email'),
      },
      now,
    );
    if (created) publish('invoice.created', invoiceCreated(invoice));
    if (newlyPaid) publish('invoice.paid', invoicePaid(invoice));
    return { kind: 'processed', did: { invoiceId: invoice.id, created, paid: newlyPaid } };
  }
}

/** Money as decimal text, so that no cent is lost on the way. */
function amountOf(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (/^\d+(\.\d{1,4})?$/.test(text) && Number(text) < MAX_AMOUNT) return text;
  const said = value === undefined ? 'is missing' : `is ${JSON.stringify(value)?.slice(0, 80)}`;
  throw new PermanentFailure(
    `The field "amount" ${said}: it must be a number like 129.90, with at most four decimals.`,
  );
}
