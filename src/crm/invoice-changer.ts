import { Injectable } from '@nestjs/common';
import type { AppError } from '../core/errors.js';
import { ContactTotalsStore } from './contact-totals.store.js';
import { changesBetween, conflicts, found, knownOrMade, unlessTaken, withoutUndefined } from './crm-rows.js';
import type { Write } from './crm-writer.js';
import type { Changes } from './domain-change.js';
import { type Invoice, InvoiceStore, type InvoiceValues } from './invoice.store.js';

export type InvoiceChange = Partial<InvoiceValues>;

export interface Payment {
  /** Decimal text. */
  amount: string;
  /** ISO 4217; null: not said. */
  currency: string | null;
  customerEmail: string;
}

const FIELDS = ['number', 'status', 'amount', 'currency', 'customerEmail', 'contactId', 'dueAt', 'paidAt'] as const;

/** Writes invoices as part of a transaction and tells what changed. Shared by the API and inbound handlers. */
@Injectable()
export class InvoiceChanger {
  constructor(
    private readonly store: InvoiceStore,
    private readonly totals: ContactTotalsStore,
  ) {}

  /**
   * Without a contact it belongs to the one with the customer's e-mail address, where there is one.
   * @throws AppError not_found (contact), conflict (number)
   */
  async create(write: Write, tenantId: string, values: InvoiceChange & { number: string }): Promise<Invoice> {
    const invoice = await this.insert(write, tenantId, values);
    if (!invoice) throw numberTaken(values.number);
    return invoice;
  }

  /** One that becomes paid was paid now, unless `paidAt` says when. @throws AppError not_found, conflict (number) */
  async update(write: Write, tenantId: string, id: string, change: InvoiceChange): Promise<Invoice> {
    const current = found(await this.store.lock(write.tx, tenantId, id), 'invoice', id);
    return (await this.apply(write, current, change)).invoice;
  }

  /**
   * The invoice with that number: made when it is not known, else changed to what is said of it now.
   * @returns `changes` is empty when it was so already, or is new
   */
  async upsert(
    write: Write,
    tenantId: string,
    number: string,
    values: InvoiceChange,
  ): Promise<{ invoice: Invoice; created: boolean; changes: Changes }> {
    const { row: invoice, made } = await knownOrMade(
      () => this.store.lockByNumber(write.tx, tenantId, number),
      () => this.insert(write, tenantId, { ...values, number }),
    );
    if (made) return { invoice, created: true, changes: {} };
    return { created: false, ...(await this.apply(write, invoice, values)) };
  }

  /** Marks the invoice with that number as paid and makes it when it is not known. Paid twice it stays as it is. */
  async pay(
    write: Write,
    tenantId: string,
    number: string,
    { amount, currency, customerEmail }: Payment,
  ): Promise<{ invoice: Invoice; created: boolean; newlyPaid: boolean }> {
    const { tx } = write;
    const known = await this.store.lockByNumber(tx, tenantId, number);
    if (known?.status === 'paid') return { invoice: known, created: false, newlyPaid: false };
    const contactId = (await this.store.contactWithEmail(tx, tenantId, customerEmail)) ?? undefined;
    const payment = { status: 'paid', amount, currency: currency ?? undefined, customerEmail, contactId };
    const { invoice, created, changes } = await this.upsert(write, tenantId, number, payment);
    return { invoice, created, newlyPaid: created || changes.status !== undefined };
  }

  private async insert(
    write: Write,
    tenantId: string,
    values: InvoiceChange & { number: string },
  ): Promise<Invoice | null> {
    const { tx, now } = write;
    const { status = 'open', customerEmail } = values;
    const contactId =
      values.contactId ?? (customerEmail ? await this.store.contactWithEmail(tx, tenantId, customerEmail) : null);
    await this.totals.holdNamed(tx, tenantId, contactId);
    const paidAt = values.paidAt ?? (status === 'paid' ? now : null);
    const invoice = await this.store.create(tx, tenantId, { ...values, status, contactId, paidAt }, now);
    if (invoice) write.tell({ kind: 'invoice-created', invoice });
    return invoice;
  }

  private async apply(
    write: Write,
    current: Invoice,
    said: InvoiceChange,
  ): Promise<{ invoice: Invoice; changes: Changes }> {
    const { tx, now } = write;
    const { tenantId, id } = current;
    const change = withoutUndefined(said);
    const newlyPaid = change.status === 'paid' && current.status !== 'paid';
    if (newlyPaid) change.paidAt ??= now;
    const changes = changesBetween(current, change, FIELDS);
    if (Object.keys(changes).length === 0) return { invoice: current, changes };
    if (changes.contactId) await this.totals.holdNamed(tx, tenantId, change.contactId);
    const invoice = await unlessTaken(this.store.update(tx, tenantId, id, change, now), () =>
      numberTaken(change.number),
    );
    write.tell({ kind: 'invoice-updated', invoice, changes });
    return { invoice, changes };
  }
}

function numberTaken(number: string | undefined): AppError {
  return conflicts('/number', `There is an invoice with the number "${number}" already.`);
}
