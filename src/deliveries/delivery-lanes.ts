/** What a lane needs to know of a row. */
export interface LaneItem {
  tenantId: string;
  subscriptionId: string;
  /** Most requests open at once to this subscription. */
  laneLimit: number;
}

interface Lane<Item> {
  waiting: Item[];
  inFlight: number;
  /** Whether it stands in its tenant's round. */
  ready: boolean;
}

interface TenantLanes<Item> {
  lanes: Map<string, Lane<Item>>;
  /** Ids of the lanes that could start a request, in turn. */
  round: string[];
  held: number;
  /** Whether it stands in the round of tenants. */
  ready: boolean;
}

export interface LaneLimits {
  /** Requests open at once, over all lanes. */
  inFlight: number;
  /** Rows held at once, over all lanes. */
  held: number;
}

/**
 * One lane for each subscription. Tenants are served in turn, and each tenant's lanes in turn, so that an endpoint that hangs
 * keeps only its own lane waiting and a tenant with a hundred busy subscriptions gets no more turns than a tenant with one.
 *
 * How much a tenant, and within it a lane, may hold depends on what is left: at most as many rows as there is still room for
 * (the "dynamic threshold" of shared-memory switches). One alone gets half of the room, two get a third each, and some is
 * always left for one that has nothing yet.
 */
export class DeliveryLanes<Item extends LaneItem> {
  private readonly tenants = new Map<string, TenantLanes<Item>>();
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

  /** Takes a row and starts it as soon as its turn comes; false when its lane or its tenant has its share already. */
  offer(item: Item): boolean {
    const share = Math.max(1, this.room);
    const tenant = this.tenants.get(item.tenantId) ?? { lanes: new Map(), round: [], held: 0, ready: false };
    const lane = tenant.lanes.get(item.subscriptionId) ?? { waiting: [], inFlight: 0, ready: false };
    if (lane.waiting.length >= share || tenant.held >= share) return false;
    this.tenants.set(item.tenantId, tenant);
    tenant.lanes.set(item.subscriptionId, lane);
    lane.waiting.push(item);
    tenant.held++;
    this.held++;
    this.enter(item.tenantId, tenant, item.subscriptionId, lane);
    this.start();
    return true;
  }

  /** Removes all rows that have not been started, to give them back. */
  drain(): Item[] {
    const rows: Item[] = [];
    for (const tenant of this.tenants.values()) {
      for (const lane of tenant.lanes.values()) {
        const waiting = lane.waiting.splice(0);
        tenant.held -= waiting.length;
        this.held -= waiting.length;
        rows.push(...waiting);
      }
    }
    return rows;
  }

  private enter(tenantId: string, tenant: TenantLanes<Item>, laneId: string, lane: Lane<Item>): void {
    const next = lane.waiting[0];
    if (lane.ready || !next || lane.inFlight >= next.laneLimit) return;
    lane.ready = true;
    tenant.round.push(laneId);
    if (tenant.ready) return;
    tenant.ready = true;
    this.round.push(tenantId);
  }

  private start(): void {
    while (this.inFlight < this.limits.inFlight) {
      const tenantId = this.round.shift();
      if (tenantId === undefined) return;
      const tenant = this.tenants.get(tenantId) as TenantLanes<Item>;
      tenant.ready = false;
      const laneId = tenant.round.shift();
      const lane = laneId === undefined ? undefined : tenant.lanes.get(laneId);
      if (laneId !== undefined && lane) {
        lane.ready = false;
        const item = lane.waiting.shift();
        if (item) {
          lane.inFlight++;
          this.inFlight++;
          void this.run(item).finally(() => this.finished(tenantId, tenant, laneId, lane));
        }
        this.enter(tenantId, tenant, laneId, lane);
      }
      if (tenant.lanes.size === 0) this.tenants.delete(tenantId);
      // Its other lanes have their turn after the other tenants.
      if (tenant.round.length > 0 && !tenant.ready) {
        tenant.ready = true;
        this.round.push(tenantId);
      }
    }
  }

  private finished(tenantId: string, tenant: TenantLanes<Item>, laneId: string, lane: Lane<Item>): void {
    lane.inFlight--;
    tenant.held--;
    this.inFlight--;
    this.held--;
    if (lane.inFlight === 0 && lane.waiting.length === 0 && !lane.ready) tenant.lanes.delete(laneId);
    else this.enter(tenantId, tenant, laneId, lane);
    if (tenant.lanes.size === 0 && !tenant.ready) this.tenants.delete(tenantId);
    this.start();
  }
}
