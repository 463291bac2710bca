import { Injectable } from '@nestjs/common';
import { HotPool } from '../database/hot-pool.js';
import { PrismaService } from '../database/prisma.service.js';

/**
 * Every table with a tenant column, partitions one by one, but the audit log and the record of exports, which stay. New tables come along by themselves. The
 * counts of contacts are last: deleting contacts still adds to them.
 */
const TENANT_TABLES = `
  select c.relname as name
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
  where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and c.relname not in ('audit_log', 'exports')
  order by c.relname = 'contact_counts', c.reltuples, c.relname`;

@Injectable()
export class TenantPurgeStore {
  constructor(
    private readonly prisma: PrismaService,
    private readonly hot: HotPool,
  ) {}

  /** From here on nobody can act in the tenant's name, and no subscription matches an event of it. */
  async lockOut(tenantId: string): Promise<void> {
    await this.prisma.$transaction([
      this.prisma.session.deleteMany({ where: { tenantId } }),
      this.prisma.apiKey.deleteMany({ where: { tenantId } }),
      this.prisma.member.deleteMany({ where: { tenantId } }),
      this.prisma.subscription.deleteMany({ where: { tenantId } }),
    ]);
  }

  /** Smallest first. */
  async listTenantTables(): Promise<string[]> {
    const rows = await this.hot.query<{ name: string }>('tenant_tables', TENANT_TABLES, []);
    return rows.map((row) => row.name);
  }

  /** @param table one of `listTenantTables` @returns how many rows were removed, at most `limit` */
  async deleteSome(tenantId: string, table: string, limit: number): Promise<number> {
    const name = `"${table.replaceAll('"', '""')}"`;
    const rows = await this.hot.query(
      `purge_${table}`,
      `with gone as (
         delete from ${name} where ctid = any(array(select ctid from ${name} where tenant_id = $1 limit $2)) returning 1
       ) select count(*)::int as count from gone`,
      [tenantId, limit],
    );
    return (rows[0] as { count: number }).count;
  }

  async deleteTenant(tenantId: string): Promise<void> {
    await this.prisma.tenant.deleteMany({ where: { id: tenantId } });
  }
}
