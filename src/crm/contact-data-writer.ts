import { Injectable } from '@nestjs/common';
import { notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { ContactDataStore, type Pages } from './contact-data.store.js';
import { keysOf } from './person-keys.js';

/** Writes everything held about one contact as one JSON document, piece by piece: it may be larger than memory. */
@Injectable()
export class ContactDataWriter {
  constructor(private readonly store: ContactDataStore) {}

  /** @throws AppError not_found, before anything is written */
  async open(tenantId: string, id: string): Promise<AsyncGenerator<string>> {
    const row = isUuid(id) ? await this.store.findContact(tenantId, id) : null;
    if (!row) throw notFound('contact', id);
    const { tenantId: _tenantId, searchText: _searchText, ...contact } = row;
    const person = keysOf(row);
    const tags = await this.store.listTags(tenantId, id);
    return this.document({ ...contact, tags }, [
      ['consents', this.store.consents(tenantId, id)],
      ['bookings', this.store.bookings(tenantId, id)],
      ['qrCodes', this.store.qrCodes(tenantId, id)],
      ['conversations', this.store.conversations(tenantId, person)],
      ['messages', this.store.messages(tenantId, person)],
      ['interactions', this.store.interactions(tenantId, id)],
      ['deals', this.store.deals(tenantId, id)],
      ['invoices', this.store.invoices(tenantId, person)],
      ['events', this.store.events(tenantId, person)],
      ['inboundEvents', this.store.inboundEvents(tenantId, person)],
      ['auditEntries', this.store.auditEntries(tenantId, id)],
    ]);
  }

  private async *document(contact: object, sections: [string, Pages][]): AsyncGenerator<string> {
    yield `{"contact":${JSON.stringify(contact)}`;
    for (const [name, pages] of sections) {
      yield `,"${name}":[`;
      let first = true;
      for await (const rows of pages) {
        if (rows.length === 0) continue;
        yield `${first ? '' : ','}${rows.map((row) => JSON.stringify(row)).join(',')}`;
        first = false;
      }
      yield ']';
    }
    yield '}\n';
  }
}
