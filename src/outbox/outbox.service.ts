import { Injectable } from '@nestjs/common';
import { AppError, notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import type { OutboxEntryView, OutboxQuery } from './outbox.dto.js';
import { type OutboxEntry, OutboxStore } from './outbox.store.js';

/** What hosts emitted and is not yet, or cannot become, an event. */
@Injectable()
export class OutboxService {
  constructor(private readonly store: OutboxStore) {}

  async list(tenantId: string, query: OutboxQuery): Promise<Page<OutboxEntryView>> {
    const rows = await this.store.list(tenantId, query.status, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, present);
  }

  async get(tenantId: string, id: string): Promise<OutboxEntryView> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('outbox entry', id);
    return present(row);
  }

  /** Once what was in the way is mended: the drain looks at it again, before what was emitted after it. */
  async retry(tenantId: string, id: string): Promise<OutboxEntryView> {
    const entry = await this.get(tenantId, id);
    if (!(await this.store.reopen(tenantId, id))) throw notRefused(id);
    return { ...entry, status: 'pending', refusedAt: null, errorCode: null, error: null };
  }

  async discard(tenantId: string, id: string): Promise<void> {
    await this.get(tenantId, id);
    if (!(await this.store.deleteRefused(tenantId, id))) throw notRefused(id);
  }
}

function notRefused(id: string): AppError {
  return new AppError('conflict', {
    detail: `The outbox entry "${id}" is not refused: it becomes an event by itself.`,
  });
}

function present(row: OutboxEntry): OutboxEntryView {
  const { position: _position, tenant: _tenant, ...view } = row;
  return { ...view, status: row.refusedAt ? 'refused' : 'pending' };
}
