import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { notFound } from '../core/errors.js';
import { isUuid } from '../core/ids.js';
import type { Transaction } from '../database/prisma.service.js';
import { cursorId, type Page, pageOf } from '../http/pagination.dto.js';
import { type BackgroundJobQuery, type BackgroundJobView, presentJob } from './background-job.dto.js';
import { BackgroundJobStore, type NewJob } from './background-job.store.js';

/** Work over many rows that somebody asked for, and how far it is. */
@Injectable()
export class BackgroundJobService {
  constructor(
    private readonly store: BackgroundJobStore,
    private readonly clock: Clock,
  ) {}

  /** A worker takes it up within moments, of the commit when it is part of a transaction. */
  async create(tenantId: string, job: NewJob, tx?: Transaction): Promise<BackgroundJobView> {
    return presentJob(await this.store.create(tenantId, job, this.clock.now(), tx));
  }

  async get(tenantId: string, id: string): Promise<BackgroundJobView> {
    const row = isUuid(id) ? await this.store.find(tenantId, id) : null;
    if (!row) throw notFound('job', id);
    return presentJob(row);
  }

  async list(tenantId: string, { kind, status, ...query }: BackgroundJobQuery): Promise<Page<BackgroundJobView>> {
    const rows = await this.store.list(tenantId, { kind, status }, cursorId(query), query.limit + 1);
    return pageOf(rows, query.limit, presentJob);
  }

  /** What is done stays done. A job that has ended stays as it is. */
  async cancel(tenantId: string, id: string): Promise<BackgroundJobView> {
    await this.get(tenantId, id);
    await this.store.cancel(tenantId, id, this.clock.now());
    return this.get(tenantId, id);
  }
}
