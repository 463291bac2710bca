import { Module } from '@nestjs/common';
import { ContactStore } from './contact.store.js';
import { InvoiceStore } from './invoice.store.js';

/** What a tenant knows of its customers: contacts and their invoices. */
@Module({ providers: [ContactStore, InvoiceStore], exports: [ContactStore, InvoiceStore] })
export class CrmModule {}
