import { Injectable } from '@nestjs/common';
import { AppError } from '../core/errors.js';
import type { Principal } from '../tenants/principal.js';
import { ContactRows } from './contact-rows.store.js';
import { AttemptRows, DeliveryRows } from './delivery-rows.store.js';
import { EventRows } from './event-rows.store.js';
import { chooseColumns, type ExportFormat } from './export-column.js';
import type { RowSelection } from './export-rows.store.js';
import { InboundEventRows } from './inbound-event-rows.store.js';
import type { ExportedResource, RowSource } from './row-source.js';

/** What is asked to be exported, in the asker's words. */
export interface Wanted {
  resource: ExportedResource;
  format: ExportFormat;
  filters: object;
  fields?: readonly string[];
  /** Optional columns beside all others. */
  further?: readonly string[];
}

/** How the asker names the parts of his request. */
export interface Pointers {
  fields: string;
  filter(name: string): string;
}

/** Turns what is asked for into rows and columns, or says what of it there is not. */
@Injectable()
export class ExportSelector {
  private readonly sources: ReadonlyMap<ExportedResource, RowSource>;

  constructor(
    contacts: ContactRows,
    events: EventRows,
    deliveries: DeliveryRows,
    attempts: AttemptRows,
    inboundEvents: InboundEventRows,
  ) {
    const all = [contacts, events, deliveries, attempts, inboundEvents];
    this.sources = new Map(all.map((source) => [source.resource, source]));
  }

  async select(tenantId: string, wanted: Wanted, pointers: Pointers): Promise<RowSelection> {
    const source = this.source(wanted.resource);
    const { format, fields, filters, further } = wanted;
    const columns = chooseColumns(await source.columns(tenantId), format, fields, pointers.fields, further);
    return { source, columns, conditions: await source.conditions(tenantId, filters, pointers.filter) };
  }

  /** Whoever may not read such rows one by one may not export them either. */
  checkAccess(principal: Principal, resource: ExportedResource): void {
    const { scope } = this.source(resource);
    if (principal.scopes.has(scope)) return;
    throw new AppError('missing_scope', {
      detail: `Exports of ${resource} need the scope "${scope}" beside "exports:read". ${principal.name} does not have it.`,
    });
  }

  private source(resource: ExportedResource): RowSource {
    return this.sources.get(resource) as RowSource;
  }
}
