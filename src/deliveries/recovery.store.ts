import { Injectable } from '@nestjs/common';
import { patternsMatching } from '../core/event-pattern.js';
import { lowestIdAt } from '../core/ids.js';
import { PrismaService } from '../database/prisma.service.js';
import { type DeliveryStatus, Prisma } from '../generated/prisma/client.js';

/** What was done for one event and subscription. */
export interface ReopenedDelivery {
  id: string;
  subscriptionId: string;
  action: 'created' | 'reopened' | 'pending';
}

/** An event due to a subscription. `create`: make a delivery when there is none. */
export interface DuePair {
  eventId: string;
  subscriptionId: string;
  create: boolean;
}

export interface RecoveryEvent {
  id: string;
  type: string;
  channel: string | null;
  audience: string | null;
  data: string;
  createdAt: Date;
}

export interface TimeRange {
  since: Date;
  /** Exclusive. */
  until: Date;
}

export interface RetryScope extends TimeRange {
  subscriptionId?: string;
  eventId?: string;
  eventType?: string;
  status: DeliveryStatus;
}

export interface RetriedPage {
  /** Deliveries of the page that the filter means, and how many of them were reopened. */
  chosen: number;
  reopened: number;
  /** The last row looked at; null when there was none. */
  last: { id: string; createdAt: Date } | null;
  /** Rows looked at. */
  size: number;
}

const SLACK_MS = 24 * 3600 * 1000;

const REOPEN_OR_CREATE = `
  with pair as (
    select * from unnest($2::uuid[], $3::uuid[], $4::boolean[]) as p(event_id, subscription_id, wanted)
  ), existing as (
    select d.id, d.event_id, d.subscription_id, d.status
    from pair p join deliveries d on d.event_id = p.event_id and d.subscription_id = p.subscription_id
    where d.tenant_id = $1::uuid
  ), reopened as (
    update deliveries d set status = 'pending', due_at = $6::timestamptz, completed_at = null
    from existing x
    where d.tenant_id = $1::uuid and d.id = x.id and d.status::text = any($5::text[])
    returning d.id, d.subscription_id
  ), created as (
    insert into deliveries (id, tenant_id, event_id, subscription_id, sequence_key, due_at, created_at)
    select uuid_v7(), $1::uuid, e.id, s.id, case when s.ordered then coalesce(e.ordering_key, '') end, $6::timestamptz, $7::timestamptz
    from pair p
    join subscriptions s on s.tenant_id = $1::uuid and s.id = p.subscription_id
    join events e on e.tenant_id = $1::uuid and e.id = p.event_id
    where p.wanted and not exists (
      select 1 from existing x where x.event_id = p.event_id and x.subscription_id = p.subscription_id)
    returning id, subscription_id
  )
  select id, subscription_id as "subscriptionId", 'reopened' as action from reopened
  union all select id, subscription_id, 'created' from created
  union all select id, subscription_id, 'pending' from existing where status = 'pending'`;

/** What people ask for after something went wrong. Nothing here is on the way of a normal delivery. */
@Injectable()
export class RecoveryStore {
  constructor(private readonly prisma: PrismaService) {}

  /** False when it is not pending (any more). */
  async cancel(tenantId: string, id: string, now: Date): Promise<boolean> {
    const { count } = await this.prisma.delivery.updateMany({
      where: { tenantId, id, status: 'pending' },
      data: { status: 'cancelled', dueAt: null, completedAt: now },
    });
    return count === 1;
  }

  /** Active subscriptions whose types and channels match; what their filters say is for the caller to find out. */
  listMatching(tenantId: string, event: { type: string; channel: string | null }, now: Date) {
    return this.prisma.subscription.findMany({
      where: {
        tenantId,
        enabled: true,
        eventTypes: { hasSome: patternsMatching(event.type) },
        AND: [
          unexpired(now),
          {
            OR: [
              { channels: { isEmpty: true } },
              ...(event.channel === null ? [] : [{ channels: { has: event.channel } }]),
            ],
          },
        ],
      },
      select: { id: true, filter: true },
      orderBy: { id: 'asc' },
    });
  }

  /** Those of some subscriptions that exist, and whether anything is sent to them: neither disabled nor expired. */
  async listSubscriptions(tenantId: string, ids: string[], now: Date): Promise<{ id: string; active: boolean }[]> {
    const rows = await this.prisma.subscription.findMany({
      where: { tenantId, id: { in: ids } },
      select: { id: true, enabled: true, expiresAt: true },
    });
    return rows.map(({ id, enabled, expiresAt }) => ({
      id,
      active: enabled && (expiresAt === null || expiresAt > now),
    }));
  }

  findWishes(tenantId: string, subscriptionId: string) {
    return this.prisma.subscription.findFirst({
      where: { tenantId, id: subscriptionId },
      select: { eventTypes: true, channels: true, filter: true },
    });
  }

  /**
   * Reopens deliveries that have one of these statuses and makes those that are missing, never a second one for the same event
   * and subscription. A lock for each tenant guards that, and not a unique index: publishing cannot make such a second one, and
   * would have to pay for the index with every delivery.
   */
  async reopenOrCreate(
    tenantId: string,
    pairs: readonly DuePair[],
    statuses: readonly DeliveryStatus[],
    dueAt: Date,
    now: Date,
  ): Promise<ReopenedDelivery[]> {
    if (pairs.length === 0) return [];
    const [, rows] = await this.prisma.$transaction([
      // A statement of its own: the next one sees what was committed before the lock was had.
      this.prisma.$executeRaw`select pg_advisory_xact_lock(hashtextextended('recovery ' || ${tenantId}, 0))`,
      this.prisma.$queryRawUnsafe<ReopenedDelivery[]>(
        REOPEN_OR_CREATE,
        tenantId,
        pairs.map((pair) => pair.eventId),
        pairs.map((pair) => pair.subscriptionId),
        pairs.map((pair) => pair.create),
        statuses,
        dueAt,
        now,
      ),
    ]);
    return rows;
  }

  /** The next events after `afterId` in the order of acceptance, from about `since` on: the first may be older. */
  listEvents(tenantId: string, since: Date, afterId: string | null, take: number): Promise<RecoveryEvent[]> {
    return this.prisma.event.findMany({
      where: { tenantId, id: { gt: afterId ?? firstIdFor(since) } },
      select: { id: true, type: true, channel: true, audience: true, data: true, createdAt: true },
      orderBy: { id: 'asc' },
      take,
    });
  }

  countEvents(tenantId: string, { since, until }: TimeRange): Promise<number> {
    return this.prisma.event.count({
      where: { tenantId, id: { gt: firstIdFor(since) }, createdAt: { gte: since, lt: until } },
    });
  }

  /** Looks at the next deliveries after `afterId` and makes those due that the scope means, except tests. */
  async retryPage(
    tenantId: string,
    scope: RetryScope,
    afterId: string | null,
    take: number,
    now: Date,
  ): Promise<RetriedPage> {
    const [row] = await this.prisma.$queryRaw<
      { chosen: number; reopened: number; size: number; id: string | null; createdAt: Date | null }[]
    >`
      with page as (
        select d.id, d.event_id, d.subscription_id, d.status, d.created_at from deliveries d
        where d.tenant_id = ${tenantId}::uuid and d.id > ${afterId ?? firstIdFor(scope.since)}::uuid ${indexed(scope)}
        order by d.id limit ${take}
      ), chosen as (
        select d.id, s.id is not null and s.enabled and (s.expires_at is null or s.expires_at > ${now}) as sendable
        from page d
        join events e on e.tenant_id = ${tenantId}::uuid and e.id = d.event_id
        left join subscriptions s on s.tenant_id = ${tenantId}::uuid and s.id = d.subscription_id
        where ${meant(scope)}
      ), reopened as (
        update deliveries d set status = 'pending', due_at = ${now}, completed_at = null
        from chosen c
        where c.sendable and d.tenant_id = ${tenantId}::uuid and d.id = c.id and d.status::text = ${scope.status}
        returning 1
      ), last as (
        select id, created_at from page order by id desc limit 1
      )
      select (select count(*) from chosen)::int as chosen, (select count(*) from reopened)::int as reopened,
             (select count(*) from page)::int as size, (select id from last) as id,
             (select created_at from last) as "createdAt"`;
    const { chosen = 0, reopened = 0, size = 0, id = null, createdAt = null } = row ?? {};
    return { chosen, reopened, size, last: id !== null && createdAt !== null ? { id, createdAt } : null };
  }

  async countRetryable(tenantId: string, scope: RetryScope): Promise<number> {
    const [row] = await this.prisma.$queryRaw<{ count: number }[]>`
      select count(*)::int as count
      from deliveries d join events e on e.tenant_id = d.tenant_id and e.id = d.event_id
      where d.tenant_id = ${tenantId}::uuid and d.id > ${firstIdFor(scope.since)}::uuid ${indexed(scope)}
        and ${meant(scope)}`;
    return row?.count ?? 0;
  }
}

function unexpired(now: Date): Prisma.SubscriptionWhereInput {
  return { OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] };
}

/** Rows accepted from then on have ids above this one, even where the clocks of processes differ by up to a day. */
function firstIdFor(since: Date): string {
  return lowestIdAt(new Date(since.getTime() - SLACK_MS));
}

/** Whether a page that ended with a row of that time was the last that can hold rows before `until`. */
export function isPast(createdAt: Date, until: Date): boolean {
  return createdAt.getTime() >= until.getTime() + SLACK_MS;
}

/** Conditions an index serves: they choose what is looked at. */
function indexed({ subscriptionId, eventId }: RetryScope): Prisma.Sql {
  return Prisma.sql`
    ${subscriptionId === undefined ? Prisma.empty : Prisma.sql`and d.subscription_id = ${subscriptionId}::uuid`}
    ${eventId === undefined ? Prisma.empty : Prisma.sql`and d.event_id = ${eventId}::uuid`}`;
}

/** Conditions that choose among what is looked at. */
function meant({ status, since, until, eventType }: RetryScope): Prisma.Sql {
  return Prisma.sql`
    d.status::text = ${status} and d.created_at >= ${since} and d.created_at < ${until}
    and e.audience is distinct from 'test'
    ${eventType === undefined ? Prisma.empty : Prisma.sql`and e.type = ${eventType}`}`;
}
