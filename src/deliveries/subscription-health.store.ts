import { Injectable } from '@nestjs/common';
import { type EndpointHealth, HEALTHY } from '../core/endpoint-health.js';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService } from '../database/prisma.service.js';

// Whoever moves paused_until on is the one that probes; the others put their rows off until the new time.
const CLAIM_PROBE = `
  update subscription_health set paused_until = $3
  where subscription_id = $1 and paused_until <= $2 returning 1`;

// Places in the schedule of one request each 1/rate seconds, shared by all workers: as many as fit before $4, at most $3.
const RESERVE = `
  with free as (
    select greatest(coalesce(rate_next_at, $2), $2) as start from subscription_health where subscription_id = $1 for update
  ), taken as (
    select start, greatest(0, least($3::int, ceil(extract(epoch from ($4::timestamptz - start)) * $5::int)::int)) as places from free
  )
  update subscription_health h
  set rate_next_at = taken.start + make_interval(secs => taken.places::float8 / $5::int)
  from taken where h.subscription_id = $1
  returning taken.start, taken.places`;

const ENSURE = `insert into subscription_health (subscription_id, tenant_id) values ($1, $2) on conflict do nothing`;

@Injectable()
export class SubscriptionHealthStore {
  constructor(
    private readonly hot: HotPool,
    private readonly prisma: PrismaService,
  ) {}

  /** True for exactly one caller when a pause is over. */
  async claimProbe(subscriptionId: string, now: Date, until: Date): Promise<boolean> {
    return (await this.hot.query('claim-probe', CLAIM_PROBE, [subscriptionId, now, until])).length === 1;
  }

  /** Reserves the next places of a rate limit, up to a time; the first is at `start`, the others 1/rate seconds apart. */
  async reserve(tenantId: string, subscriptionId: string, now: Date, wanted: number, until: Date, perSecond: number) {
    const values = [subscriptionId, now, wanted, until, perSecond];
    const reserved = await this.hot.query<{ start: Date; places: number }>('reserve', RESERVE, values);
    if (reserved[0]) return reserved[0];
    await this.hot.query('ensure-health', ENSURE, [subscriptionId, tenantId]);
    const [first] = await this.hot.query<{ start: Date; places: number }>('reserve', RESERVE, values);
    return first ?? { start: now, places: wanted };
  }

  /** Changes the health of a subscription from what it is now, one writer at a time. */
  async change(
    tenantId: string,
    subscriptionId: string,
    next: (current: EndpointHealth) => EndpointHealth,
  ): Promise<void> {
    await this.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`insert into subscription_health (subscription_id, tenant_id) values (${subscriptionId}::uuid, ${tenantId}::uuid) on conflict do nothing`;
      await tx.$queryRaw`select 1 from subscription_health where subscription_id = ${subscriptionId}::uuid for update`;
      const row = await tx.subscriptionHealth.findUnique({ where: { subscriptionId } });
      const { consecutiveFailures, failingSince, pausedUntil, pausedReason, heldSince } = next(row ?? HEALTHY);
      await tx.subscriptionHealth.updateMany({
        where: { tenantId, subscriptionId },
        data: { consecutiveFailures, failingSince, pausedUntil, pausedReason, heldSince },
      });
    });
  }

  /** Switches a subscription off for a reason; false when it is off already or gone. */
  async disable(tenantId: string, subscriptionId: string, reason: string, now: Date): Promise<boolean> {
    const { count } = await this.prisma.subscription.updateMany({
      where: { tenantId, id: subscriptionId, enabled: true },
      data: { enabled: false, disabledReason: reason, disabledAt: now, version: { increment: 1 } },
    });
    return count === 1;
  }

  findSubscription(tenantId: string, subscriptionId: string) {
    return this.prisma.subscription.findFirst({
      where: { tenantId, id: subscriptionId },
      select: { name: true, url: true },
    });
  }
}
