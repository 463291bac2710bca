import { Injectable } from '@nestjs/common';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService } from '../database/prisma.service.js';
import type { InboundStatus, Reconciliation } from '../generated/prisma/client.js';

export type { Reconciliation };

const EVERY_MINUTES = `coalesce((c.settings ->> 'reconcileEveryMinutes')::int, 60)`;
const RECONCILED = `c.enabled and c.provider in ('twenty', 'chatwoot', 'calcom', 'calendly')`;

// A connection that is new, or whose interval was switched on again, gets its next time.
const PREPARE = `
  insert into reconciliations as r (connection_id, tenant_id, since, due_at)
  select c.id, c.tenant_id, c.created_at, $1::timestamptz + ${EVERY_MINUTES} * interval '1 minute'
  from connections c left join reconciliations known on known.connection_id = c.id
  where ${RECONCILED} and ${EVERY_MINUTES} > 0 and known.due_at is null
  on conflict (connection_id) do update set due_at = excluded.due_at where r.due_at is null`;

const CLAIM = `
  update reconciliations r
  set due_at = case when ${RECONCILED} and ${EVERY_MINUTES} > 0 then $1::timestamptz + ${EVERY_MINUTES} * interval '1 minute' end
  from (
    select connection_id from reconciliations where due_at <= $1 order by due_at limit $2 for update skip locked
  ) due join connections c on c.id = due.connection_id
  where r.connection_id = due.connection_id
  returning r.tenant_id as "tenantId", r.connection_id as "connectionId", ${RECONCILED} and ${EVERY_MINUTES} > 0 as wanted`;

export interface DueReconciliation {
  tenantId: string;
  connectionId: string;
}

@Injectable()
export class ReconciliationStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly hot: HotPool,
  ) {}

  /** Takes connections whose time has come, and sets their next; each is taken by one process. */
  async claimDueAcrossTenants(now: Date, limit: number): Promise<DueReconciliation[]> {
    await this.hot.query('reconciliation-prepare', PREPARE, [now]);
    const rows = await this.hot.query<DueReconciliation & { wanted: boolean }>('reconciliation-claim', CLAIM, [
      now,
      limit,
    ]);
    return rows.filter(({ wanted }) => wanted);
  }

  find(tenantId: string, connectionId: string): Promise<Reconciliation | null> {
    return this.prisma.reconciliation.findUnique({ where: { connectionId, tenantId } });
  }

  /** What is looked at next begins at `since`. */
  async finish(tenantId: string, connectionId: string, jobId: string, since: Date, now: Date): Promise<void> {
    const state = { since, jobId, finishedAt: now };
    await this.prisma.reconciliation.upsert({
      where: { connectionId },
      create: { connectionId, tenantId, ...state },
      update: state,
    });
  }

  async findPosition(tenantId: string, connectionId: string): Promise<string | null> {
    return (await this.find(tenantId, connectionId))?.position ?? null;
  }

  async recordPosition(tenantId: string, connectionId: string, position: string, now: Date): Promise<void> {
    await this.prisma.reconciliation.upsert({
      where: { connectionId },
      create: { connectionId, tenantId, since: now, position },
      update: { position },
    });
  }

  /** How far inbound events are. */
  async statusesOf(tenantId: string, ids: string[]): Promise<InboundStatus[]> {
    const rows = await this.prisma.inboundEvent.findMany({
      where: { tenantId, id: { in: ids } },
      select: { status: true },
    });
    return rows.map(({ status }) => status);
  }

  /** Those of the messages' external ids that are known. */
  async knownMessages(tenantId: string, conversation: string, externalIds: string[]): Promise<Set<string>> {
    const known = await this.prisma.conversation.findUnique({
      where: { tenantId_externalId: { tenantId, externalId: conversation } },
      select: { id: true },
    });
    if (!known) return new Set();
    const rows = await this.prisma.message.findMany({
      where: { tenantId, conversationId: known.id, externalId: { in: externalIds } },
      select: { externalId: true },
    });
    return new Set(rows.map(({ externalId }) => externalId as string));
  }
}
