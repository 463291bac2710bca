import { Injectable } from '@nestjs/common';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { found, rowId } from './crm-rows.js';
import { CrmWriter } from './crm-writer.js';
import type { ChangeOrigin } from './domain-change.js';
import {
  type CreateInvoice,
  type InvoiceQuery,
  type InvoiceView,
  presentInvoice,
  type UpdateInvoice,
} from './invoice.dto.js';
import { InvoiceStore } from './invoice.store.js';
import { InvoiceChanger } from './invoice-changer.js';

@Injectable()
export class InvoiceService {
  constructor(
    private readonly store: InvoiceStore,
    private readonly changer: InvoiceChanger,
    private readonly writer: CrmWriter,
  ) {}

  async create(tenantId: string, origin: ChangeOrigin, input: CreateInvoice): Promise<InvoiceView> {
    return presentInvoice(
      await this.writer.write(tenantId, origin, (write) => this.changer.create(write, tenantId, input)),
    );
  }

  async get(tenantId: string, id: string): Promise<InvoiceView> {
    return presentInvoice(found(await this.store.find(tenantId, rowId('invoice', id)), 'invoice', id));
  }

  async list(tenantId: string, query: InvoiceQuery): Promise<Page<InvoiceView>> {
    const { limit, cursor: _cursor, ...filter } = query;
    return pageOf(await this.store.list(tenantId, filter, cursorId(query), limit + 1), limit, presentInvoice);
  }

  async update(tenantId: string, origin: ChangeOrigin, id: string, input: UpdateInvoice): Promise<InvoiceView> {
    rowId('invoice', id);
    return presentInvoice(
      await this.writer.write(tenantId, origin, (write) => this.changer.update(write, tenantId, id, input)),
    );
  }

  /** No vocabulary has an event of it. */
  async delete(tenantId: string, id: string): Promise<void> {
    found((await this.store.delete(tenantId, rowId('invoice', id))) || null, 'invoice', id);
  }
}
