import { IsOptional, IsUUID, Matches } from 'class-validator';
import { PageQuery } from '../http/pagination.dto.js';
import { IsAddress, IsCurrency, IsMoney, IsText, IsTime, MayBeAbsent } from './crm-fields.dto.js';
import type { Invoice } from './invoice.store.js';

class InvoiceDetails {
  /** `open` (the default), `paid`, or a word of yours in small letters. */
  @MayBeAbsent()
  @Matches(/^[a-z][a-z0-9_-]{0,39}$/, { message: 'status is a word in small letters, such as open or paid' })
  status?: string;

  /** Decimal text such as `"129.90"`, in the main unit of the currency; a JSON number is taken too. */
  @IsOptional()
  @IsMoney()
  amount?: string | null;

  /** ISO 4217: `BRL`. */
  @IsOptional()
  @IsCurrency()
  currency?: string | null;

  @IsOptional()
  @IsAddress()
  customerEmail?: string | null;

  /** Default: the contact with the customer's e-mail address. */
  @IsOptional()
  @IsUUID()
  contactId?: string | null;

  @IsOptional()
  @IsTime()
  dueAt?: Date | null;

  /** Default: when it became paid. */
  @IsOptional()
  @IsTime()
  paidAt?: Date | null;
}

export class CreateInvoice extends InvoiceDetails {
  /** As its sender numbers it; no two invoices have the same. */
  @IsText(200, 1)
  number: string;
}

export class UpdateInvoice extends InvoiceDetails {
  @MayBeAbsent()
  @IsText(200, 1)
  number?: string;
}

export class InvoiceQuery extends PageQuery {
  @MayBeAbsent()
  @IsText(200)
  number?: string;

  @MayBeAbsent()
  @IsText(40)
  status?: string;

  @MayBeAbsent()
  @IsUUID()
  contactId?: string;

  @MayBeAbsent()
  @IsAddress()
  customerEmail?: string;

  /** Invoices that are due at this time or later. */
  @MayBeAbsent()
  @IsTime({ orDate: true })
  dueFrom?: Date;

  /** Invoices that are due before this time. */
  @MayBeAbsent()
  @IsTime({ orDate: true })
  dueBefore?: Date;
}

export class InvoiceView {
  id: string;
  tenantId: string;
  number: string;
  status: string;
  /** Decimal text. */
  amount: string | null;
  currency: string | null;
  customerEmail: string | null;
  contactId: string | null;
  dueAt: Date | null;
  paidAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export function presentInvoice(invoice: Invoice): InvoiceView {
  const { id, tenantId, number, status, amount, currency, customerEmail, contactId, dueAt, paidAt } = invoice;
  const { createdAt, updatedAt } = invoice;
  return {
    id,
    tenantId,
    number,
    status,
    amount,
    currency,
    customerEmail,
    contactId,
    dueAt,
    paidAt,
    createdAt,
    updatedAt,
  };
}
