import { Injectable } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { BUCKET_BOUNDS_MS, percentile } from '../core/latency-buckets.js';
import { SubscriptionService } from '../subscriptions/subscription.service.js';
import type {
  AttemptStats,
  GroupedStatsQuery,
  GroupStats,
  HourStats,
  StatsQuery,
  StatsView,
  SubscriptionStatsView,
} from './stats.dto.js';
import { type StatCount, StatsStore } from './stats.store.js';

const HOUR_MS = 3_600_000;
const WINDOW_HOURS = { '24h': 24, '7d': 7 * 24, '30d': 30 * 24 };

interface Window {
  since: Date;
  until: Date;
}

/** How many attempts there were, how well and how fast they went, from counts kept by the hour. */
@Injectable()
export class StatsService {
  constructor(
    private readonly store: StatsStore,
    private readonly subscriptions: SubscriptionService,
    private readonly clock: Clock,
  ) {}

  /** @throws AppError not_found */
  async ofSubscription(tenantId: string, id: string, { window }: StatsQuery): Promise<SubscriptionStatsView> {
    const { id: subscriptionId } = await this.subscriptions.get(tenantId, id);
    const range = this.range(window);
    const counts = await this.store.count(tenantId, subscriptionId, range.since, 'hour');
    return { subscriptionId, window, ...range, totals: statsOf(counts), hours: everyHour(counts, range) };
  }

  async ofTenant(tenantId: string, { window, groupBy = undefined }: GroupedStatsQuery): Promise<StatsView> {
    const range = this.range(window);
    const counts = await this.store.count(tenantId, undefined, range.since, groupBy ?? 'none');
    const view = { window, ...range, totals: statsOf(counts) };
    if (groupBy === undefined) return view;
    return groupBy === 'hour' ? { ...view, hours: everyHour(counts, range) } : { ...view, groups: groupsOf(counts) };
  }

  /** Whole hours, the present one among them: its count grows while one looks. */
  private range(window: StatsQuery['window']): Window {
    const now = this.clock.now();
    const thisHourMs = Math.floor(now.getTime() / HOUR_MS) * HOUR_MS;
    return { since: new Date(thisHourMs - (WINDOW_HOURS[window] - 1) * HOUR_MS), until: now };
  }
}

function statsOf(counts: readonly StatCount[]): AttemptStats {
  const buckets: number[] = new Array(BUCKET_BOUNDS_MS.length + 1).fill(0);
  let succeeded = 0;
  let attempts = 0;
  for (const { outcome, bucket, count } of counts) {
    buckets[bucket] = (buckets[bucket] ?? 0) + count;
    attempts += count;
    if (outcome === 'delivered') succeeded += count;
  }
  return {
    attempts,
    succeeded,
    failed: attempts - succeeded,
    successRate: attempts === 0 ? null : succeeded / attempts,
    p50Ms: percentile(buckets, 0.5),
    p95Ms: percentile(buckets, 0.95),
    p99Ms: percentile(buckets, 0.99),
  };
}

function byKey(counts: readonly StatCount[]): Map<string, StatCount[]> {
  const groups = new Map<string, StatCount[]>();
  for (const count of counts) {
    const group = groups.get(count.key);
    if (group) group.push(count);
    else groups.set(count.key, [count]);
  }
  return groups;
}

function groupsOf(counts: readonly StatCount[]): GroupStats[] {
  const groups = [...byKey(counts)].map(([key, own]) => ({ key, ...statsOf(own) }));
  return groups.sort((a, b) => b.attempts - a.attempts || (a.key < b.key ? -1 : 1));
}

/** Those without attempts too: a gap in a chart is to be seen as one. */
function everyHour(counts: readonly StatCount[], { since, until }: Window): HourStats[] {
  const groups = byKey(counts);
  const hours: HourStats[] = [];
  for (let timeMs = since.getTime(); timeMs <= until.getTime(); timeMs += HOUR_MS) {
    const hour = new Date(timeMs);
    hours.push({ hour, ...statsOf(groups.get(hour.toISOString()) ?? []) });
  }
  return hours;
}
