import { Injectable } from '@nestjs/common';
import { patternsMatching } from '../core/event-pattern.js';
import { PrismaService } from '../database/prisma.service.js';
import { Prisma, type Subscription, SubscriptionHealth } from '../generated/prisma/client.js';

export type { Subscription, SubscriptionHealth };

export interface SubscriptionFilter {
  url?: string;
  eventType?: string;
  externalKey?: string;
}

/** The columns a person sets; ids, versions and times are the store's. */
export type SubscriptionValues = Pick<
  Prisma.SubscriptionUncheckedCreateInput,
  | 'url'
  | 'eventTypes'
  | 'name'
  | 'description'
  | 'enabled'
  | 'disabledReason'
  | 'disabledAt'
  | 'signatureFormat'
  | 'bodyFormat'
  | 'retrySchedule'
  | 'timeoutMs'
  | 'maxInFlight'
  | 'ratePerSecond'
  | 'ordered'
  | 'channels'
  | 'externalKey'
  | 'fields'
  | 'headers'
  | 'auth'
  | 'asymmetric'
  | 'expiresAt'
> & { filter?: Record<string, unknown> | null };

export interface SealedSecret {
  id: string;
  ciphertext: Uint8Array<ArrayBuffer>;
}

// A JSON column tells "SQL null" from "JSON null"; absent stays absent.
function columns<Values extends Partial<SubscriptionValues>>({ filter, ...rest }: Values) {
  return { ...rest, filter: filter === null ? Prisma.DbNull : (filter as Prisma.InputJsonObject | undefined) };
}

@Injectable()
export class SubscriptionStore {
  constructor(private readonly prisma: PrismaService) {}

  create(tenantId: string, id: string, values: SubscriptionValues, secret: SealedSecret): Promise<Subscription> {
    return this.prisma.subscription.create({
      data: { ...columns(values), id, tenantId, secrets: { create: { ...secret, tenantId } } },
    });
  }

  find(tenantId: string, id: string) {
    return this.prisma.subscription.findFirst({ where: { tenantId, id } });
  }

  findByExternalKey(tenantId: string, externalKey: string) {
    return this.prisma.subscription.findUnique({ where: { tenantId_externalKey: { tenantId, externalKey } } });
  }

  /** Newest first. */
  list(tenantId: string, filter: SubscriptionFilter, belowId: string | undefined, take: number) {
    return this.prisma.subscription.findMany({
      where: {
        tenantId,
        url: filter.url,
        externalKey: filter.externalKey,
        ...(filter.eventType && { eventTypes: { hasSome: patternsMatching(filter.eventType) } }),
        id: { lt: belowId },
      },
      orderBy: { id: 'desc' },
      take,
    });
  }

  /** Null when there is none. A change of what is sent where raises the version, by which workers notice. */
  async update(tenantId: string, id: string, values: Partial<SubscriptionValues>): Promise<Subscription | null> {
    const [updated] = await this.prisma.subscription.updateManyAndReturn({
      where: { tenantId, id },
      data: { ...columns(values), version: { increment: 1 } },
    });
    return updated ?? null;
  }

  /** The endpoint starts clean: no failures counted, no pause, and what was put off because of them is due. */
  async forgetFailures(tenantId: string, subscriptionId: string, now: Date): Promise<void> {
    const health = await this.prisma.subscriptionHealth.findFirst({ where: { tenantId, subscriptionId } });
    if (!health?.failingSince && !health?.pausedUntil) return;
    await this.prisma.subscriptionHealth.updateMany({
      where: { tenantId, subscriptionId },
      data: { consecutiveFailures: 0, failingSince: null, pausedUntil: null, pausedReason: null, heldSince: null },
    });
    await this.prisma.delivery.updateMany({
      where: { tenantId, subscriptionId, status: 'pending', attemptCount: 0, dueAt: { gt: now } },
      data: { dueAt: now },
    });
  }

  /** Deliveries that wait for a disabled subscription have no due time; this makes them due. */
  async resumeWaiting(tenantId: string, subscriptionId: string, now: Date): Promise<void> {
    await this.prisma.delivery.updateMany({
      where: { tenantId, subscriptionId, status: 'pending', dueAt: null },
      data: { dueAt: now },
    });
  }

  /** False when there is none. Its pending deliveries are cancelled when a worker next meets them. */
  async delete(tenantId: string, id: string): Promise<boolean> {
    const [{ count }] = await this.prisma.$transaction([
      this.prisma.subscription.deleteMany({ where: { tenantId, id } }),
      this.prisma.subscriptionHealth.deleteMany({ where: { tenantId, subscriptionId: id } }),
      this.prisma.delivery.updateMany({
        where: { tenantId, subscriptionId: id, status: 'pending' },
        data: { status: 'cancelled', dueAt: null, completedAt: new Date() },
      }),
    ]);
    return count === 1;
  }

  /** As `delete`, but only when it has expired: false when it has not, was renewed meanwhile, or is gone. */
  deleteExpired(tenantId: string, id: string, now: Date): Promise<boolean> {
    return this.prisma.$transaction(async (tx) => {
      const { count } = await tx.subscription.deleteMany({ where: { tenantId, id, expiresAt: { lte: now } } });
      if (count === 1) await removeTraces(tx, [id], now);
      return count === 1;
    }, LONG);
  }

  /** Deletes at most `limit` that ended before a time, the oldest first; ones that another process is at are passed over. */
  deleteExpiredAcrossTenants(endedBefore: Date, now: Date, limit: number): Promise<{ id: string; tenantId: string }[]> {
    return this.prisma.$transaction(async (tx) => {
      const deleted = await tx.$queryRaw<{ id: string; tenantId: string }[]>`
        delete from subscriptions where id in (
          select id from subscriptions where expires_at <= ${endedBefore} order by expires_at limit ${limit} for update skip locked
        ) returning id, tenant_id as "tenantId"`;
      if (deleted.length > 0)
        await removeTraces(
          tx,
          deleted.map(({ id }) => id),
          now,
        );
      return deleted;
    }, LONG);
  }

  /** The new secret becomes current, the others end at `overlapEnd`; all in one transaction. */
  async rotateSecret(tenantId: string, id: string, secret: SealedSecret, overlapEnd: Date): Promise<void> {
    await this.prisma.$transaction([
      this.prisma.subscriptionSecret.updateMany({
        where: { tenantId, subscriptionId: id, OR: [{ expiresAt: null }, { expiresAt: { gt: overlapEnd } }] },
        data: { expiresAt: overlapEnd },
      }),
      this.prisma.subscriptionSecret.create({ data: { ...secret, tenantId, subscriptionId: id } }),
      this.prisma.subscription.updateMany({ where: { tenantId, id }, data: { version: { increment: 1 } } }),
    ]);
  }

  /** With its secrets, newest first. */
  findWithSecretsAcrossTenants(id: string) {
    return this.prisma.subscription.findUnique({ where: { id }, include: { secrets: { orderBy: { id: 'desc' } } } });
  }

  async counters(tenantId: string, ids: string[]): Promise<Map<string, SubscriptionHealth>> {
    const rows = await this.prisma.subscriptionHealth.findMany({ where: { tenantId, subscriptionId: { in: ids } } });
    return new Map(rows.map((row) => [row.subscriptionId, row]));
  }
}

/** Some have many deliveries. */
const LONG = { timeout: 60_000 };

/** What deleted subscriptions leave behind: their health, and deliveries that nobody waits for any more. */
async function removeTraces(tx: Prisma.TransactionClient, ids: string[], now: Date): Promise<void> {
  await tx.subscriptionHealth.deleteMany({ where: { subscriptionId: { in: ids } } });
  await tx.delivery.updateMany({
    where: { subscriptionId: { in: ids }, status: 'pending' },
    data: { status: 'cancelled', dueAt: null, completedAt: now },
  });
}
