import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { probeUntil } from '../core/endpoint-health.js';
import { matches } from '../core/event-filter.js';
import { SubscriptionTargets, type Target } from '../subscriptions/subscription-targets.js';
import { DeliveryStore, type LoadedDelivery } from './delivery.store.js';
import { DeliveryBacklog } from './delivery-backlog.js';
import { SubscriptionHealthStore } from './subscription-health.store.js';

/** A delivery that may be sent, and how its subscription wants it. */
export interface Admitted {
  delivery: LoadedDelivery;
  target: Target;
  tenantId: string;
  subscriptionId: string;
  laneLimit: number;
  /** It finds out whether the endpoint is back. */
  probe: boolean;
  /** When its place in the rate limit comes; null: at once. */
  at: Date | null;
}

/** Places of a rate limit are reserved so far ahead. */
const RATE_WINDOW_MS = 1_000;

/**
 * Decides which of some loaded deliveries may be sent now. The others are put off in Postgres, cancelled or discarded;
 * none of that uses up an attempt.
 */
@Injectable()
export class DeliveryAdmission {
  constructor(
    private readonly store: DeliveryStore,
    private readonly health: SubscriptionHealthStore,
    private readonly targets: SubscriptionTargets,
    private readonly backlog: DeliveryBacklog,
    private readonly clock: Clock,
  ) {}

  async admit(deliveries: readonly LoadedDelivery[]): Promise<Admitted[]> {
    const groups = new Map<string, LoadedDelivery[]>();
    for (const delivery of deliveries) {
      const group = groups.get(delivery.subscriptionId);
      if (group) group.push(delivery);
      else groups.set(delivery.subscriptionId, [delivery]);
    }
    const admitted: Admitted[] = [];
    for (const group of groups.values()) admitted.push(...(await this.admitGroup(group)));
    return admitted;
  }

  /** The settings to send with; null when the subscription is gone (cancelled) or disabled (parked until it is enabled). */
  async targetOf(group: readonly LoadedDelivery[]): Promise<Target | null> {
    const { tenantId, subscriptionId, subscriptionVersion } = group[0] as LoadedDelivery;
    const target = await this.targets.get(tenantId, subscriptionId, subscriptionVersion);
    if (!target) await this.store.cancelAcrossTenants(group, this.clock.now());
    else if (!target.enabled) await this.store.setDueAcrossTenants(group, null);
    return target?.enabled ? target : null;
  }

  /** Deliveries of one subscription. */
  private async admitGroup(group: LoadedDelivery[]): Promise<Admitted[]> {
    const target = await this.targetOf(group);
    if (!target) return [];
    let ready = target.filter === null ? group : await this.applyFilter(group, target.filter);
    if (ready.some((delivery) => delivery.blocked)) ready = await this.holdSequences(ready);
    const paused = ready[0]?.pausedUntil ?? null;
    if (paused !== null) return this.admitPaused(ready, target, paused);
    if (target.ratePerSecond !== null) return this.admitPaced(ready, target, target.ratePerSecond);
    return ready.map((delivery) => admittedAt(delivery, target, null, false));
  }

  private async applyFilter(group: LoadedDelivery[], filter: unknown): Promise<LoadedDelivery[]> {
    const unwanted = group.filter(({ wanted, event }) => !wanted && !matches(filter, JSON.parse(event.data)));
    if (unwanted.length === 0) return group;
    await this.store.discardAcrossTenants(unwanted);
    const discarded = new Set(unwanted);
    return group.filter((delivery) => !discarded.has(delivery));
  }

  /** Out of turn: parked, so that whoever ends the one before can take the next, and nobody takes what another holds. */
  private async holdSequences(group: LoadedDelivery[]): Promise<LoadedDelivery[]> {
    await this.store.setDueAcrossTenants(
      group.filter((delivery) => delivery.blocked),
      null,
    );
    return group.filter((delivery) => !delivery.blocked);
  }

  /** While the endpoint is left alone all are parked; when the pause is over, one goes and the others wait for what it finds. */
  private async admitPaused(group: LoadedDelivery[], target: Target, pausedUntil: Date): Promise<Admitted[]> {
    const now = this.clock.now();
    const [first, ...others] = group;
    if (!first) return [];
    const probing =
      pausedUntil <= now &&
      (await this.health.claimProbe(first.subscriptionId, now, probeUntil(now, target.timeoutMs)));
    await this.store.setDueAcrossTenants(probing ? others : group, null);
    return probing ? [admittedAt(first, target, null, true)] : [];
  }

  /** As many as have a place in the rate limit soon; the others are parked until those have gone. */
  private async admitPaced(group: LoadedDelivery[], target: Target, perSecond: number): Promise<Admitted[]> {
    const [first] = group;
    if (!first) return [];
    const now = this.clock.now();
    const until = new Date(now.getTime() + RATE_WINDOW_MS);
    const { start, places } = await this.health.reserve(
      first.tenantId,
      first.subscriptionId,
      now,
      group.length,
      until,
      perSecond,
    );
    const placeAt = (i: number) => new Date(start.getTime() + (i * 1000) / perSecond);
    const beyond = group.slice(places);
    if (beyond.length > 0) await this.backlog.park(beyond);
    return group.slice(0, places).map((delivery, i) => admittedAt(delivery, target, placeAt(i), false));
  }
}

function admittedAt(delivery: LoadedDelivery, target: Target, at: Date | null, probe: boolean): Admitted {
  const { tenantId, subscriptionId } = delivery;
  return { delivery, target, tenantId, subscriptionId, laneLimit: target.maxInFlight, at, probe };
}
