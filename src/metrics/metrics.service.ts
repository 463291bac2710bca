import { Injectable } from '@nestjs/common';
import { Gauge, Registry } from 'prom-client';
import { Clock } from '../core/clock.js';
import { registry } from '../observability/metrics.js';
import { MetricsStore } from './metrics.store.js';

/** The tables that grow with traffic. */
const GROWING = [
  'events',
  'deliveries',
  'attempts',
  'integration_events',
  'inbound_attempts',
  'delivery_stats',
  'audit_log',
  'contacts',
];
const BUSIEST_SHOWN = 20;

/** Everything /metrics shows: what this process counts, and how the work stands in the database, which all processes show alike. */
@Injectable()
export class MetricsService {
  private readonly standing = new Registry();
  private readonly overdue = this.gauge('posthaste_overdue_rows', 'Rows whose time has come, up to 10,000.', 'table');
  private readonly stuck = this.gauge('posthaste_stuck_rows', 'Rows due for over a minute that nobody took.', 'table');
  private readonly lag = this.gauge('posthaste_due_lag_seconds', 'How long the oldest due row has waited.', 'table');
  private readonly bytes = this.gauge('posthaste_table_bytes', 'Size of a table with its indexes.', 'table');
  private readonly rows = this.gauge('posthaste_table_rows', 'Rows of a table, as Postgres estimates.', 'table');
  private readonly busiest = this.gauge(
    'posthaste_tenant_attempts_this_hour',
    `Attempts since the full hour of the ${BUSIEST_SHOWN} tenants with most of them.`,
    'tenant',
  );

  constructor(
    private readonly store: MetricsStore,
    private readonly clock: Clock,
  ) {}

  readonly contentType = registry.contentType;

  /** In Prometheus' text format. */
  async text(): Promise<string> {
    const now = this.clock.now();
    const [backlog, sizes, busiest] = await Promise.all([
      this.store.backlogAcrossTenants(now),
      this.store.sizes(GROWING),
      this.store.busiestAcrossTenants(now, BUSIEST_SHOWN),
    ]);
    for (const { table, overdue, stuck, lagS } of backlog) {
      this.overdue.set({ table }, overdue);
      this.stuck.set({ table }, stuck);
      this.lag.set({ table }, lagS);
    }
    for (const { table, bytes, rows } of sizes) {
      this.bytes.set({ table }, bytes);
      this.rows.set({ table }, rows);
    }
    // Who is no longer among them is not shown with what he had then.
    this.busiest.reset();
    for (const { tenantId: tenant, attempts } of busiest) this.busiest.set({ tenant }, attempts);
    return `${await registry.metrics()}\n${await this.standing.metrics()}`;
  }

  private gauge<Label extends string>(name: string, help: string, label: Label): Gauge<Label> {
    return new Gauge({ name, help, labelNames: [label], registers: [this.standing] });
  }
}
