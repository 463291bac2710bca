/** What a lane needs to know of a row. */
export interface LaneItem {
  tenantId: string;
  subscriptionId: string;
  /** Most requests open at once to this subscription. */
  laneLimit: number;
}

interface Lane<Item> {
  id: string;
  waiting: Item[];
  inFlight: number;
  /** Waiting, in flight, or not recorded yet. */
  held: number;
  /** Whether it stands in its tenant's round, or among those that wait for a share. */
  ready: boolean;
}

interface TenantLanes<Item> {
  id: string;
  lanes: Map<string, Lane<Item>>;
  /** Those that could start a request, in turn. */
  round: Lane<Item>[];
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

/** A lane may have so many times as many requests open as are still free: alone two thirds of all, two lanes two fifths each. */
const IN_FLIGHT_SHARE = 2;

/**
 * One lane for each subscription. Tenants are served in turn, and each tenant's lanes in turn, so that an endpoint that hangs
 * keeps only its own lane waiting and a tenant with a hundred busy subscriptions gets no more turns than a tenant with one.
 *
 * How much a lane may have in flight, and how much a tenant and within it a lane may hold, depends on what is left (the
 * "dynamic threshold" of shared-memory switches). Of the rows a lane gets at most as many as its tenant still may have, and a
 * tenant as many as there is still room for: one alone gets a third of the room. Some is always left for one that has nothing
 * yet, of the same tenant too.
 */
export class DeliveryLanes<Item extends LaneItem> {
  private readonly tenants = new Map<string, TenantLanes<Item>>();
  private round: TenantLanes<Item>[] = [];
  /** Lanes that have their share of the requests in flight, longest waiting first. */
  private readonly atShare = new Map<Lane<Item>, TenantLanes<Item>>();
  private inFlight = 0;
  private held = 0;

  /** @param run calls `answered` when its request is over; the row is held until what it returns is settled */
  constructor(
    private readonly limits: LaneLimits,
    private readonly run: (item: Item, answered: () => void) => Promise<void>,
  ) {}

  /** Rows that can still be taken. */
  get room(): number {
    return this.limits.held - this.held;
  }

  /** How many rows of a lane `offer` would take now, of a new one where none is named; the shares shrink with each. */
  roomFor(tenantId: string, subscriptionId?: string): number {
    const tenant = this.tenants.get(tenantId);
    const lane = subscriptionId === undefined ? undefined : tenant?.lanes.get(subscriptionId);
    return Math.max(0, Math.floor((this.room - (tenant?.held ?? 0) - (lane?.held ?? 0)) / 3));
  }

  /** Rows of a subscription that have not been started. */
  waiting(tenantId: string, subscriptionId: string): number {
    return this.tenants.get(tenantId)?.lanes.get(subscriptionId)?.waiting.length ?? 0;
  }

  /** Takes a row and starts it as soon as its turn comes; false when its lane or its tenant has its share already. */
  offer(item: Item): boolean {
    const share = Math.max(1, this.room);
    const tenant = this.tenants.get(item.tenantId) ?? newTenant(item.tenantId);
    const lane = tenant.lanes.get(item.subscriptionId) ?? newLane(item.subscriptionId);
    if (lane.held + tenant.held >= share) return false;
    this.tenants.set(tenant.id, tenant);
    tenant.lanes.set(lane.id, lane);
    lane.waiting.push(item);
    lane.held++;
    tenant.held++;
    this.held++;
    this.enter(tenant, lane);
    this.start();
    return true;
  }

  /** Removes all rows that have not been started, to give them back. */
  drain(): Item[] {
    const rows: Item[] = [];
    for (const tenant of this.tenants.values()) {
      for (const lane of tenant.lanes.values()) {
        const waiting = lane.waiting.splice(0);
        lane.held -= waiting.length;
        tenant.held -= waiting.length;
        this.held -= waiting.length;
        rows.push(...waiting);
      }
    }
    return rows;
  }

  private get shareInFlight(): number {
    return IN_FLIGHT_SHARE * (this.limits.inFlight - this.inFlight);
  }

  private enter(tenant: TenantLanes<Item>, lane: Lane<Item>): void {
    const next = lane.waiting[0];
    if (lane.ready || !next || lane.inFlight >= next.laneLimit) return;
    lane.ready = true;
    tenant.round.push(lane);
    this.enterTenant(tenant);
  }

  private enterTenant(tenant: TenantLanes<Item>): void {
    if (tenant.ready || tenant.round.length === 0) return;
    tenant.ready = true;
    this.round.push(tenant);
  }

  private start(): void {
    while (this.inFlight < this.limits.inFlight) {
      const tenant = this.round.shift();
      if (!tenant) return;
      tenant.ready = false;
      const lane = tenant.round.shift();
      if (lane) this.startNext(tenant, lane);
      // Its other lanes have their turn after the other tenants.
      this.enterTenant(tenant);
      this.forgetIfIdle(tenant, lane);
    }
  }

  private startNext(tenant: TenantLanes<Item>, lane: Lane<Item>): void {
    if (lane.inFlight >= this.shareInFlight) {
      this.atShare.set(lane, tenant);
      return;
    }
    lane.ready = false;
    const item = lane.waiting.shift();
    if (item) {
      lane.inFlight++;
      this.inFlight++;
      let open = true;
      const answered = () => {
        if (!open) return;
        open = false;
        lane.inFlight--;
        this.inFlight--;
        this.readmit();
        this.enter(tenant, lane);
        this.start();
      };
      void this.run(item, answered).finally(() => {
        lane.held--;
        tenant.held--;
        this.held--;
        answered();
        this.forgetIfIdle(tenant, lane);
      });
    }
    this.enter(tenant, lane);
  }

  /** One place became free: the first lane that waits for a share and may have more now goes on. */
  private readmit(): void {
    for (const [lane, tenant] of this.atShare) {
      if (lane.inFlight >= this.shareInFlight) continue;
      this.atShare.delete(lane);
      lane.ready = false;
      this.enter(tenant, lane);
      if (lane.ready) return;
    }
  }

  private forgetIfIdle(tenant: TenantLanes<Item>, lane: Lane<Item> | undefined): void {
    if (lane && lane.held === 0 && !lane.ready) tenant.lanes.delete(lane.id);
    if (tenant.lanes.size === 0 && tenant.held === 0 && !tenant.ready) this.tenants.delete(tenant.id);
  }
}

function newTenant<Item>(id: string): TenantLanes<Item> {
  return { id, lanes: new Map(), round: [], held: 0, ready: false };
}

function newLane<Item>(id: string): Lane<Item> {
  return { id, waiting: [], inFlight: 0, held: 0, ready: false };
}
