import type { Clock } from '../core/clock.js';
import type { TenantChanges } from './tenant-changes.js';

/** Something read from the database, and the tenant whose changes make it out of date. */
export interface TenantBound<Value> {
  tenantId: string;
  value: Value;
}

interface Entry<Value> extends TenantBound<Value> {
  staleAtMs: number;
}

/**
 * What a process remembers of a tenant for a few seconds, so that a busy path asks the database once and not each time.
 * Bounded (the longest unused entry goes), dropped at once when the tenant changes anywhere, bypassed while changes made by
 * other processes cannot be heard. Callers that miss together share one load.
 */
export class TenantCache<Value> {
  private readonly entries = new Map<string, Entry<Value>>();
  private readonly loads = new Map<string, Promise<Value | null>>();
  /** Counts the changes heard of: a load that began before one must not be remembered after it. */
  private generation = 0;

  constructor(
    private readonly clock: Clock,
    private readonly changes: Pick<TenantChanges, 'connected' | 'onChange'>,
    private readonly limits: { maxEntries: number; ttlMs: number },
  ) {
    changes.onChange((tenantId) => this.forget(tenantId));
  }

  /** What is remembered and still fresh; most calls end here. */
  peek(key: string): Value | undefined {
    const entry = this.entries.get(key);
    if (!entry || !this.changes.connected || this.clock.now().getTime() >= entry.staleAtMs) return undefined;
    // Put back at the end: a Map keeps the order of insertion, so the first key is the longest unused. While there is much
    // room, none will have to go.
    if (this.entries.size > this.limits.maxEntries / 2) {
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry.value;
  }

  /** Remembers what `read` finds; what it does not find (null) is not remembered. */
  async load(key: string, read: () => Promise<TenantBound<Value> | null>): Promise<Value | null> {
    if (!this.changes.connected) return (await read())?.value ?? null;
    const underway = this.loads.get(key);
    if (underway) return underway;
    const loading = this.readAndKeep(key, read).finally(() => {
      if (this.loads.get(key) === loading) this.loads.delete(key);
    });
    this.loads.set(key, loading);
    return loading;
  }

  private async readAndKeep(key: string, read: () => Promise<TenantBound<Value> | null>): Promise<Value | null> {
    const { generation } = this;
    const found = await read();
    if (found && generation === this.generation) {
      if (this.entries.size >= this.limits.maxEntries) this.entries.delete(this.entries.keys().next().value as string);
      this.entries.set(key, { ...found, staleAtMs: this.clock.now().getTime() + this.limits.ttlMs });
    }
    return found?.value ?? null;
  }

  private forget(tenantId: string | null): void {
    this.generation++;
    // Who comes now must not join a load that may have read the old state.
    this.loads.clear();
    if (tenantId === null) this.entries.clear();
    else for (const [key, entry] of this.entries) if (entry.tenantId === tenantId) this.entries.delete(key);
  }
}
