import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import type { Transaction } from '../database/prisma.service.js';
import type { Invoice } from '../generated/prisma/client.js';

export type { Invoice };

export interface Payment {
  /** The sender's own id of the invoice. */
  number: string;
  /** Decimal text. */
  amount: string;
  /** ISO 4217; null: not said. */
  currency: string | null;
  customerEmail: string;
}

@Injectable()
export class InvoiceStore {
  /** Marks the invoice as paid; makes it when it is not known. Two payments of one invoice wait for each other. */
  async pay(
    tx: Transaction,
    tenantId: string,
    payment: Payment,
    now: Date,
  ): Promise<{ invoice: Invoice; created: boolean; newlyPaid: boolean }> {
    const { number, amount, currency, customerEmail } = payment;
    const contact = await tx.contact.findUnique({ where: { tenantId_email: { tenantId, email: customerEmail } } });
    const made = await tx.$queryRaw<{ id: string }[]>`
      insert into invoices (id, tenant_id, number, status, amount, currency, customer_email, contact_id, paid_at, created_at, updated_at)
      values (${newId()}::uuid, ${tenantId}::uuid, ${number}, 'paid', ${amount}::numeric, ${currency}, ${customerEmail},
              ${contact?.id ?? null}::uuid, ${now}::timestamptz, ${now}::timestamptz, ${now}::timestamptz)
      on conflict (tenant_id, number) do nothing returning id`;
    if (!made[0])
      await tx.$queryRaw`select 1 from invoices where tenant_id = ${tenantId}::uuid and number = ${number} for update`;
    const where = { tenantId_number: { tenantId, number } };
    const current = await tx.invoice.findUniqueOrThrow({ where });
    if (made[0]) return { invoice: current, created: true, newlyPaid: true };
    if (current.status === 'paid') return { invoice: current, created: false, newlyPaid: false };
    const invoice = await tx.invoice.update({
      where,
      data: {
        status: 'paid',
        amount,
        currency: currency ?? current.currency,
        customerEmail,
        contactId: contact?.id ?? current.contactId,
        paidAt: now,
        updatedAt: now,
      },
    });
    return { invoice, created: false, newlyPaid: true };
  }
}
