import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { JobProgress, JobStep, JobWork } from '../background-jobs/job-work.js';
import { ConnectionService } from '../connections/connection.service.js';
import type { ConnectionRow } from '../connections/connection.store.js';
import { ConnectionClients } from '../connections/connection-clients.js';
import { ProviderError } from '../connections/provider-error.js';
import { Clock } from '../core/clock.js';
import { InboundAcceptor } from '../inbound-events/inbound-acceptor.js';
import { type MissedEvent, ProviderChanges } from './provider-changes.js';
import { ReconciliationStore } from './reconciliation.store.js';

export const RECONCILE_JOB = 'connections.reconcile';

/** Told with the job. */
export interface ReconciliationReport {
  /** Where the comparison began. */
  since: string;
  /** Changes there were at the provider. */
  seen: number;
  /** Those of them no webhook had told. */
  missed: number;
  /** What became of the missed ones; `waiting` were not dealt with yet when the job went on. */
  processed: number;
  failed: number;
  waiting: number;
  /** Why it ended before its time; the next begins at the same place. */
  error?: string;
}

interface Position {
  reader: number;
  page: string | null;
  startedAt: string;
  report: ReconciliationReport;
}

/** Looked at twice, so that nothing falls between two clocks. */
const OVERLAP_MS = 60_000;
const KEEP_KEYS_MS = 14 * 24 * 3600 * 1000;
const LONGEST_REST_MS = 20_000;
const PROCESSING_LIMIT_MS = 30_000;
const POLL_MS = 50;

/**
 * Fetches what changed at a provider since the last time and has what no webhook told processed like a webhook: a step for each page.
 * Twenty and Chatwoot do not repeat a webhook that failed (provider sheet §2).
 */
@Injectable()
export class Reconciler implements JobWork {
  readonly kind = RECONCILE_JOB;

  constructor(
    private readonly connections: ConnectionService,
    private readonly clients: ConnectionClients,
    private readonly changes: ProviderChanges,
    private readonly store: ReconciliationStore,
    private readonly acceptor: InboundAcceptor,
    private readonly clock: Clock,
  ) {}

  async step({ tenantId, jobId, parameters, cursor }: JobStep): Promise<JobProgress> {
    const { connectionId, since } = parameters as { connectionId: string; since?: string };
    const connection = await this.connections.getRow(tenantId, connectionId);
    const position = cursor ? (JSON.parse(cursor) as Position) : await this.begin(connection, since);
    const { report } = position;
    const reader = this.changes.readersOf(this.clients.of(connection))[position.reader];
    if (!reader) {
      const next = new Date(new Date(position.startedAt).getTime() - OVERLAP_MS);
      await this.store.finish(tenantId, connectionId, jobId, next, this.clock.now());
      return { done: 0, failed: 0, cursor, finished: true, result: { ...report } };
    }
    try {
      const page = await reader({ tenantId, since: new Date(report.since), page: position.page });
      const outcome = await this.process(connection, page.missed);
      for (const name of ['processed', 'failed', 'waiting'] as const) report[name] += outcome[name];
      report.seen += page.seen;
      report.missed += page.missed.length;
      const next = page.next === null ? { reader: position.reader + 1, page: null } : { page: page.next };
      const state = JSON.stringify({ ...position, ...next, report });
      return { done: page.seen, failed: outcome.failed, cursor: state, finished: false, result: { ...report } };
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.failure !== 'rate_limited')
        return { done: 0, failed: 1, cursor, finished: true, result: { ...report, error: error.message } };
      await delay(Math.min(error.retryAfterMs ?? 1000, LONGEST_REST_MS));
      return { done: 0, failed: 0, cursor: JSON.stringify(position), finished: false };
    }
  }

  private async begin(connection: ConnectionRow, asked: string | undefined): Promise<Position> {
    const known = await this.store.find(connection.tenantId, connection.id);
    const since = asked === undefined ? (known?.since ?? connection.createdAt) : new Date(asked);
    const report = { since: since.toISOString(), seen: 0, missed: 0, processed: 0, failed: 0, waiting: 0 };
    return { reader: 0, page: null, startedAt: this.clock.now().toISOString(), report };
  }

  /** Has events processed as if their webhooks had come, and waits for it for a while. */
  private async process(connection: ConnectionRow, missed: readonly MissedEvent[]) {
    const ids: string[] = [];
    for (const event of missed) ids.push((await this.accept(connection, event)).id);
    const giveUpAt = performance.now() + PROCESSING_LIMIT_MS;
    for (;;) {
      const statuses = ids.length > 0 ? await this.store.statusesOf(connection.tenantId, ids) : [];
      const count = (...wanted: string[]) => statuses.filter((status) => wanted.includes(status)).length;
      const waiting = count('received', 'processing');
      if (waiting === 0 || performance.now() > giveUpAt)
        return { processed: count('processed', 'ignored'), failed: count('failed'), waiting };
      await delay(POLL_MS);
    }
  }

  private accept(connection: ConnectionRow, { eventName, body, key }: MissedEvent) {
    const payload = JSON.stringify(body);
    const deliveryId = `reconciled:${key}`;
    return this.acceptor.accept({
      tenantId: connection.tenantId,
      source: connection.provider,
      sourceId: connection.webhook?.sourceId ?? null,
      eventName,
      payload,
      payloadKind: 'json',
      payloadBytes: Buffer.byteLength(payload),
      method: 'POST',
      contentType: 'application/json',
      headers: '{}',
      deliveryId,
      authenticated: true,
      secretId: null,
      hops: 0,
      status: 'received',
      errorMessage: null,
      dedupeKey: createHash('sha256').update(connection.id).update(`\0${deliveryId}`).digest(),
      dedupeUntil: new Date(this.clock.now().getTime() + KEEP_KEYS_MS),
    });
  }
}
