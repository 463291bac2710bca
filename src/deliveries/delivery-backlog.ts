import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { DeliveryStore, type LoadedDelivery, type ParkedSubscription } from './delivery.store.js';

/**
 * Rows beyond what a worker has room for are parked in Postgres (no due time), and taken again by subscription as its lane
 * empties. A backlog of millions so costs each of its rows one update, whoever else is served meanwhile.
 *
 * What is remembered here only makes it quick: the relay asks Postgres which subscriptions have parked rows.
 */
@Injectable()
export class DeliveryBacklog {
  private readonly known = new Set<string>();
  private readonly taking = new Set<string>();

  constructor(
    private readonly store: DeliveryStore,
    private readonly clock: Clock,
  ) {}

  /** The rows wait until there is room in their lanes. */
  async park(deliveries: readonly LoadedDelivery[]): Promise<void> {
    await this.store.setDueAcrossTenants(deliveries, null);
    this.note(deliveries);
  }

  /** They are parked already. */
  note(deliveries: readonly LoadedDelivery[]): void {
    for (const { subscriptionId } of deliveries) this.known.add(subscriptionId);
  }

  has(subscriptionId: string): boolean {
    return this.known.has(subscriptionId) && !this.taking.has(subscriptionId);
  }

  /** Subscriptions with parked rows that may be sent to now. */
  waiting(): Promise<ParkedSubscription[]> {
    return this.store.parkedSubscriptionsAcrossTenants(this.clock.now());
  }

  /** Leases the oldest parked rows of a subscription; none while others of it are being taken. */
  async take(subscriptionId: string, leaseUntil: Date, limit: number): Promise<LoadedDelivery[]> {
    if (this.taking.has(subscriptionId)) return [];
    this.taking.add(subscriptionId);
    try {
      const rows = await this.store.claimParkedAcrossTenants(subscriptionId, leaseUntil, limit);
      if (rows.length < limit) this.known.delete(subscriptionId);
      else this.known.add(subscriptionId);
      return rows;
    } finally {
      this.taking.delete(subscriptionId);
    }
  }
}
