import { Injectable } from '@nestjs/common';
import { TenantChanges } from './tenant-changes.js';
import { TenantPurgeStore } from './tenant-purge.store.js';

const ROWS_AT_ONCE = 5_000;

/**
 * Removes a tenant and all it owns. The tenant's own row goes last: a purge that was interrupted is taken up again by asking
 * for it once more.
 */
@Injectable()
export class TenantPurger {
  constructor(
    private readonly store: TenantPurgeStore,
    private readonly changes: TenantChanges,
  ) {}

  async purge(tenantId: string): Promise<void> {
    await this.store.lockOut(tenantId);
    await this.changes.announce(tenantId);
    const tables = await this.store.listTenantTables();
    for (const table of tables) await this.empty(tenantId, table);
    await this.store.deleteTenant(tenantId);
    await this.changes.announce(tenantId);
    // Requests and deliveries that were under way meanwhile have left rows behind.
    for (const table of tables) await this.empty(tenantId, table);
  }

  private async empty(tenantId: string, table: string): Promise<void> {
    // Fewer than asked for does not mean the last: a row that is changed at that moment is left for the next time.
    while ((await this.store.deleteSome(tenantId, table, ROWS_AT_ONCE)) > 0);
  }
}
