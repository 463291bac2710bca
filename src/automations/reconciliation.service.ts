import { Injectable } from '@nestjs/common';
import type { BackgroundJobView } from '../background-jobs/background-job.dto.js';
import { BackgroundJobService } from '../background-jobs/background-job.service.js';
import { ConnectionService } from '../connections/connection.service.js';
import { ConnectionClients } from '../connections/connection-clients.js';
import { AppError } from '../core/errors.js';
import { ProviderChanges } from './provider-changes.js';
import { RECONCILE_JOB } from './reconciler.js';
import type { ReconcileConnection, ReconciliationView } from './reconciliation.dto.js';
import { ReconciliationStore } from './reconciliation.store.js';

/** Comparing connections with their providers, on demand. */
@Injectable()
export class ReconciliationService {
  constructor(
    private readonly connections: ConnectionService,
    private readonly clients: ConnectionClients,
    private readonly changes: ProviderChanges,
    private readonly store: ReconciliationStore,
    private readonly jobs: BackgroundJobService,
  ) {}

  /** @throws AppError not_found, conflict where there is nothing to compare */
  async start(
    tenantId: string,
    connectionId: string,
    { since }: ReconcileConnection,
    by: { name: string },
  ): Promise<BackgroundJobView> {
    const row = await this.connections.getRow(tenantId, connectionId);
    if (this.changes.readersOf(this.clients.of(row)).length === 0) {
      const detail = `Connections to ${row.provider} are not reconciled: it tells of everything itself, or cannot be asked.`;
      throw new AppError('conflict', { detail });
    }
    const parameters = { connectionId, ...(since !== undefined && { since }) };
    return this.jobs.create(tenantId, { kind: RECONCILE_JOB, parameters, total: null, createdBy: by.name });
  }

  async get(tenantId: string, connectionId: string): Promise<ReconciliationView> {
    const row = await this.connections.getRow(tenantId, connectionId);
    const known = await this.store.find(tenantId, row.id);
    return {
      connectionId: row.id,
      since: known?.since ?? row.createdAt,
      dueAt: known?.dueAt ?? null,
      jobId: known?.jobId ?? null,
      finishedAt: known?.finishedAt ?? null,
    };
  }
}
