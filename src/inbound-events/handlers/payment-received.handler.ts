import { Injectable } from '@nestjs/common';
import { InvoiceChanger } from '../../crm/invoice-changer.js';
import { moneyOf } from '../../crm/money.js';
import { emailOf, objectOf, textOf } from './fields.js';
import {
  type Effects,
  type HandledEvent,
  type HandlerResult,
  type InboundHandler,
  PermanentFailure,
} from './inbound-handler.js';

/**
 * `payment.received` (the CRM guide, "Stripe Payment → Create Invoice in CRM"): the invoice with that id is paid; one that is not
 * known yet is made. Paid twice it stays as it is.
 */
@Injectable()
export class PaymentReceivedHandler implements InboundHandler {
  readonly handles = ['api:payment.received'];

  constructor(private readonly invoices: InvoiceChanger) {}

  async handle(event: HandledEvent, effects: Effects): Promise<HandlerResult> {
    const payment = objectOf(event.fields, 'The body of payment.received');
    const number = textOf(payment.invoice_id, 200);
    if (number === null)
      throw new PermanentFailure('The field "invoice_id" is missing: it names the invoice that was paid.');
    const { invoice, created, newlyPaid } = await this.invoices.pay(effects, event.tenantId, number, {
      amount: amountOf(payment.amount),
      currency: textOf(payment.currency, 3)?.toUpperCase() ?? null,
      customerEmail: emailOf(payment.customer_email, 'customer_email'),
    });
    return { kind: 'processed', did: { invoiceId: invoice.id, created, paid: newlyPaid } };
  }
}

function amountOf(value: unknown): string {
  const amount = moneyOf(value);
  if (amount !== null) return amount;
  const said = value === undefined ? 'is missing' : `is ${JSON.stringify(value)?.slice(0, 80)}`;
  throw new PermanentFailure(
    `The field "amount" ${said}: it must be a number like 129.90, with at most four decimals.`,
  );
}
