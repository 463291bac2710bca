interface Paced {
  subscriptionId: string;
}

/** Rows that wait here, in memory, for their place in a rate limit. */
export class DeliveryPacing<Row extends Paced> {
  private readonly timers = new Map<NodeJS.Timeout, Row>();
  private readonly counts = new Map<string, number>();

  get size(): number {
    return this.timers.size;
  }

  /** Of one subscription. */
  waiting(subscriptionId: string): number {
    return this.counts.get(subscriptionId) ?? 0;
  }

  wait(row: Row, waitMs: number, then: (row: Row) => void): void {
    const timer = setTimeout(() => {
      this.remove(timer, row);
      then(row);
    }, waitMs);
    this.timers.set(timer, row);
    this.counts.set(row.subscriptionId, this.waiting(row.subscriptionId) + 1);
  }

  /** Removes all, to give them back. */
  drain(): Row[] {
    const rows = [...this.timers.values()];
    for (const timer of this.timers.keys()) clearTimeout(timer);
    this.timers.clear();
    this.counts.clear();
    return rows;
  }

  private remove(timer: NodeJS.Timeout, { subscriptionId }: Row): void {
    this.timers.delete(timer);
    const left = this.waiting(subscriptionId) - 1;
    if (left > 0) this.counts.set(subscriptionId, left);
    else this.counts.delete(subscriptionId);
  }
}
