import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { AppError, notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { type AutomationTaskQuery, type AutomationTaskView, presentTask } from './automation-task.dto.js';
import { AutomationTaskStore } from './automation-task.store.js';

/** What automations did, do and could not do at providers. */
@Injectable()
export class AutomationTaskService {
  constructor(
    private readonly store: AutomationTaskStore,
    private readonly clock: Clock,
  ) {}

  async list(tenantId: string, query: AutomationTaskQuery): Promise<Page<AutomationTaskView>> {
    const { status, subject, kind, inboundEventId } = query;
    const filter = { status, subject, kind, inboundEventId };
    const rows = await this.store.list(tenantId, filter, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, presentTask);
  }

  async get(tenantId: string, id: string): Promise<AutomationTaskView> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('automation task', id);
    return presentTask(row);
  }

  /** @throws AppError conflict when it has not failed */
  async retry(tenantId: string, id: string): Promise<AutomationTaskView> {
    const { status } = await this.get(tenantId, id);
    if (await this.store.reopen(tenantId, id, this.clock.now())) return this.get(tenantId, id);
    const detail = `Only a task that failed or was skipped can be tried again; this one is ${status}.`;
    throw new AppError('conflict', { detail });
  }
}
