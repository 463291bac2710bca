import { Injectable } from '@nestjs/common';
import { PrismaService, type Transaction } from '../database/prisma.service.js';
import type { OutboxEntry } from '../generated/prisma/client.js';

export type { OutboxEntry };

export type OutboxStatus = 'pending' | 'refused';

/** A row on its way to become an event, locked until the transaction ends. */
export interface ClaimedEntry {
  tenantId: string;
  id: string;
  type: string;
  /** Null when it is larger than was asked for. */
  data: unknown;
  bytes: number;
  metadata: unknown;
  channel: string | null;
  orderingKey: string | null;
  occurredAt: Date;
}

export interface Refusal {
  tenantId: string;
  id: string;
  code: string;
  words: string;
}

/** What one claim takes at most. */
export interface ClaimLimits {
  rows: number;
  /** Of all data and metadata together; one row is taken however large it is. */
  bytes: number;
  bytesOfOne: number;
}

@Injectable()
export class OutboxStore {
  constructor(private readonly prisma: PrismaService) {}

  /**
   * Locks pending rows in the order of emission, passing over what another worker has locked. A row waits for the earlier ones of
   * its tenant and ordering key: when one of them is not among the claimed it is left out, so that no two workers overtake each other.
   */
  claimAcrossTenants(tx: Transaction, limits: ClaimLimits): Promise<ClaimedEntry[]> {
    return tx.$queryRaw<ClaimedEntry[]>`
      with claimed as materialized (
        select *, octet_length(data::text) + coalesce(octet_length(metadata::text), 0) as bytes from posthaste_outbox
        where refused_at is null order by position limit ${limits.rows} for update skip locked
      ), sized as (
        select *, sum(bytes) over (order by position) - bytes as bytes_before from claimed
      )
      select tenant_id as "tenantId", id, type, case when bytes <= ${limits.bytesOfOne} then data end as data, bytes,
             case when bytes <= ${limits.bytesOfOne} then metadata end as metadata, channel, ordering_key as "orderingKey", occurred_at as "occurredAt"
      from sized s
      where bytes_before < ${limits.bytes} and not exists (
        select 1 from posthaste_outbox earlier
        where earlier.tenant_id = s.tenant_id and earlier.ordering_key = s.ordering_key and earlier.refused_at is null
          and earlier.position < s.position and earlier.id not in (select id from claimed))
      order by position`;
  }

  async deleteClaimedAcrossTenants(tx: Transaction, ids: string[]): Promise<void> {
    await tx.outboxEntry.deleteMany({ where: { id: { in: ids } } });
  }

  async refuseAcrossTenants(tx: Transaction, refusals: Refusal[], now: Date): Promise<void> {
    for (const { tenantId, id, code, words } of refusals) {
      await tx.outboxEntry.update({ where: { id, tenantId }, data: { refusedAt: now, errorCode: code, error: words } });
    }
  }

  find(tenantId: string, id: string): Promise<OutboxEntry | null> {
    return this.prisma.outboxEntry.findUnique({ where: { id, tenantId } });
  }

  /** Newest first. */
  list(tenantId: string, status: OutboxStatus | undefined, belowId: string | undefined, take: number) {
    const refusedAt = status && (status === 'refused' ? { not: null } : null);
    return this.prisma.outboxEntry.findMany({
      where: { tenantId, refusedAt, id: { lt: belowId } },
      orderBy: { id: 'desc' },
      take,
    });
  }

  /** False when there is no such refused row. */
  async reopen(tenantId: string, id: string): Promise<boolean> {
    const { count } = await this.prisma.outboxEntry.updateMany({
      where: { id, tenantId, refusedAt: { not: null } },
      data: { refusedAt: null, errorCode: null, error: null },
    });
    return count === 1;
  }

  /** False when there is no such refused row. */
  async deleteRefused(tenantId: string, id: string): Promise<boolean> {
    const { count } = await this.prisma.outboxEntry.deleteMany({ where: { id, tenantId, refusedAt: { not: null } } });
    return count === 1;
  }
}
