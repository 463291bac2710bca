import { Injectable } from '@nestjs/common';
import { newId } from '../core/ids.js';
import type { PayloadKind } from '../core/payload.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { RowRef } from '../queue/chunk-queue.js';

/** An event that is being processed, with all that handlers and routes look at. */
export interface LoadedInboundEvent extends RowRef {
  source: string;
  sourceId: string | null;
  eventName: string;
  /** Null where it is large: `payload` gets it when its turn comes. */
  payload: string | null;
  payloadKind: PayloadKind;
  contentType: string | null;
  headers: string;
  authenticated: boolean;
  hops: number;
  attemptCount: number;
  receivedAt: Date;
}

/** What came of one try. */
export interface ProcessingOutcome {
  outcome: 'processed' | 'ignored' | 'retry' | 'failed';
  errorMessage: string | null;
  /** JSON text. */
  result: string | null;
  /** When it is tried again; null: never. */
  dueAt: Date | null;
  startedAt: Date;
  durationMs: number;
}

const CLAIM = `
  update integration_events e set due_at = $2
  from (
    select tenant_id, id from integration_events
    where status in ('received', 'processing') and due_at <= $1
    order by due_at limit $3 for update skip locked
  ) due
  where e.tenant_id = due.tenant_id and e.id = due.id
  returning e.tenant_id as "tenantId", e.id`;

const LOADED_PAYLOAD_BYTES = 256 * 1024;

const BEGIN = `
  update integration_events e set status = 'processing', due_at = $3
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where e.tenant_id = ref.tenant_id and e.id = ref.id and e.status in ('received', 'processing')
  returning e.tenant_id as "tenantId", e.id, e.source, e.source_id as "sourceId", e.event_name as "eventName",
    case when e.payload_bytes <= ${LOADED_PAYLOAD_BYTES} then e.payload end as payload, e.payload_kind as "payloadKind",
    e.content_type as "contentType", e.headers, e.authenticated, e.hops::int as hops, e.attempt_count::int as "attemptCount",
    e.received_at as "receivedAt"`;

const SET_DUE = `
  update integration_events e set due_at = $3
  from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
  where e.tenant_id = ref.tenant_id and e.id = ref.id and e.status in ('received', 'processing')`;

// An event that waits for its next try keeps its time: a renewal sent before it failed may come after.
const RENEW = `${SET_DUE} and (e.status = 'processing' or e.due_at < $3)`;

// For events nobody has anything to do for: many in one statement.
const FINISH_IDLE = `
  with done as (
    update integration_events e set status = 'processed', due_at = null, processed_at = $4, attempt_count = e.attempt_count + 1,
           error_message = null, result = '{}'
    from unnest($1::uuid[], $2::uuid[]) as ref(tenant_id, id)
    where e.tenant_id = ref.tenant_id and e.id = ref.id and e.status = 'processing'
    returning e.tenant_id, e.id, e.attempt_count
  )
  insert into inbound_attempts (id, tenant_id, event_id, number, started_at, duration_ms, outcome)
  select uuid_v7(), tenant_id, id, attempt_count, $3, 0, 'processed' from done`;

const columns = (refs: readonly RowRef[]) => [refs.map((ref) => ref.tenantId), refs.map((ref) => ref.id)];

@Injectable()
export class ProcessingStore {
  constructor(
    private readonly hot: HotPool,
    private readonly prisma: PrismaService,
  ) {}

  /** Leases events whose time has come, oldest first; rows another worker is claiming are passed over. */
  async claimDueAcrossTenants(now: Date, leaseUntil: Date, limit: number): Promise<RowRef[]> {
    const claimed = await this.hot.query<{ tenantId: string; id: string }>('inbound-claim', CLAIM, [
      now,
      leaseUntil,
      limit,
    ]);
    return claimed.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Those of a chunk that are still to be processed, now under way. */
  async beginAcrossTenants(refs: readonly RowRef[], leaseUntil: Date): Promise<LoadedInboundEvent[]> {
    const rows = await this.hot.query<LoadedInboundEvent & Record<string, unknown>>('inbound-begin', BEGIN, [
      ...columns(refs),
      leaseUntil,
    ]);
    return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async payload(tenantId: string, id: string): Promise<string> {
    const row = await this.prisma.inboundEvent.findUniqueOrThrow({
      where: { tenantId_id: { tenantId, id } },
      select: { payload: true },
    });
    return row.payload;
  }

  async renewLeasesAcrossTenants(refs: readonly RowRef[], leaseUntil: Date): Promise<void> {
    await this.hot.query('inbound-renew', RENEW, [...columns(refs), leaseUntil]);
  }

  /** Gives rows back: they are due at that time. */
  async setDueAcrossTenants(refs: readonly RowRef[], dueAt: Date): Promise<void> {
    await this.hot.query('inbound-set-due', SET_DUE, [...columns(refs), dueAt]);
  }

  async finishIdleAcrossTenants(refs: readonly RowRef[], startedAt: Date, now: Date): Promise<void> {
    await this.hot.query('inbound-finish-idle', FINISH_IDLE, [...columns(refs), startedAt, now]);
  }

  inTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.prisma.inTransaction(work);
  }

  /**
   * Takes the row for the transaction. False when it has been finished meanwhile: somebody whose lease had ended was not dead
   * but slow. What makes the effect exactly-once is this lock, not the lease.
   */
  async lock(tx: Transaction, tenantId: string, id: string): Promise<boolean> {
    const rows = await tx.$queryRaw<unknown[]>`
      select 1 from integration_events
      where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and status = 'processing' for update`;
    return rows.length === 1;
  }

  /** Writes what came of a try, with its row in the history. */
  async finish(tx: Transaction, event: LoadedInboundEvent, made: ProcessingOutcome, now: Date): Promise<void> {
    const { tenantId, id } = event;
    const { outcome, errorMessage, result, dueAt, startedAt, durationMs } = made;
    const number = event.attemptCount + 1;
    await tx.inboundEvent.update({
      where: { tenantId_id: { tenantId, id } },
      data: {
        status: outcome === 'retry' ? 'received' : outcome,
        attemptCount: number,
        errorMessage,
        result,
        dueAt,
        processedAt: outcome === 'retry' ? null : now,
      },
    });
    await tx.inboundAttempt.create({
      data: { id: newId(), tenantId, eventId: id, number, startedAt, durationMs, outcome, errorMessage },
    });
  }
}
