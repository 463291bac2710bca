/** What a lane needs to know of a row. */
export interface LaneItem {
  subscriptionId: string;
  /** Most requests open at once to this subscription. */
  laneLimit: number;
}

interface Lane<Item> {
  waiting: Item[];
  inFlight: number;
  /** Whether it stands in the round. */
  ready: boolean;
}

export interface LaneLimits {
  /** Requests open at once, over all lanes. */
  inFlight: number;
  /** Rows held at once, over all lanes. */
  held: number;
}

/**
 * One lane for each subscription, served in turn, so that an endpoint that hangs keeps only its own lane waiting.
 *
 * How long a lane may get depends on what is left: at most as many rows as there is still room for in all lanes together
 * (the "dynamic threshold" of shared-memory switches). A lane alone gets half of the room, two get a third each, and some
 * is always left for a subscription that has none yet.
 */
export class DeliveryLanes<Item extends LaneItem> {
  private readonly lanes = new Map<string, Lane<Item>>();
  private round: string[] = [];
  private inFlight = 0;
  private held = 0;

  constructor(
    private readonly limits: LaneLimits,
    private readonly run: (item: Item) => Promise<void>,
  ) {}

  /** Rows that can still be taken. */
  get room(): number {
    return this.limits.held - this.held;
  }

  /** Takes a row and starts it as soon as its lane's turn comes; false when its lane has its share already. */
  offer(item: Item): boolean {
    const lane = this.lanes.get(item.subscriptionId) ?? { waiting: [], inFlight: 0, ready: false };
    if (lane.waiting.length >= Math.max(1, this.room)) return false;
    this.lanes.set(item.subscriptionId, lane);
    lane.waiting.push(item);
    this.held++;
    this.enter(item.subscriptionId, lane);
    this.start();
    return true;
  }

  /** Removes all rows that have not been started, to give them back. */
  drain(): Item[] {
    const rows = [...this.lanes.values()].flatMap((lane) => lane.waiting.splice(0));
    this.held -= rows.length;
    this.round = [];
    for (const lane of this.lanes.values()) lane.ready = false;
    return rows;
  }

  private enter(id: string, lane: Lane<Item>): void {
    const next = lane.waiting[0];
    if (lane.ready || !next || lane.inFlight >= next.laneLimit) return;
    lane.ready = true;
    this.round.push(id);
  }

  private start(): void {
    while (this.inFlight < this.limits.inFlight) {
      const id = this.round.shift();
      if (id === undefined) return;
      const lane = this.lanes.get(id) as Lane<Item>;
      lane.ready = false;
      const item = lane.waiting.shift();
      if (!item) continue;
      lane.inFlight++;
      this.inFlight++;
      this.enter(id, lane);
      void this.run(item).finally(() => this.finished(id, lane));
    }
  }

  private finished(id: string, lane: Lane<Item>): void {
    lane.inFlight--;
    this.inFlight--;
    this.held--;
    if (lane.inFlight === 0 && lane.waiting.length === 0) this.lanes.delete(id);
    else this.enter(id, lane);
    this.start();
  }
}
