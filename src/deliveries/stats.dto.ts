import { IsIn } from 'class-validator';
import { MayBeAbsent } from '../http/may-be-absent.decorator.js';

export class StatsQuery {
  /** Whole hours up to and with the present one. */
  @MayBeAbsent()
  @IsIn(['24h', '7d', '30d'])
  window: '24h' | '7d' | '30d' = '24h';
}

export class GroupedStatsQuery extends StatsQuery {
  /** Default: not grouped. */
  @MayBeAbsent()
  @IsIn(['subscription', 'eventType', 'hour'])
  groupBy?: 'subscription' | 'eventType' | 'hour';
}

/** Attempts counted together. */
export class AttemptStats {
  attempts: number;
  /** Answered with 2xx. */
  succeeded: number;
  failed: number;
  /** 0 to 1; null without attempts. */
  successRate: number | null;
  /** Milliseconds within which half, 95 % and 99 % of the attempts ended, good and bad; null without attempts. */
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
}

export class HourStats extends AttemptStats {
  /** Its beginning. */
  hour: Date;
}

export class GroupStats extends AttemptStats {
  /** The subscription's id, or the event type. */
  key: string;
}

export class SubscriptionStatsView {
  subscriptionId: string;
  window: string;
  since: Date;
  until: Date;
  totals: AttemptStats;
  /** Every hour of the window, oldest first. */
  hours: HourStats[];
}

export class StatsView {
  window: string;
  since: Date;
  until: Date;
  totals: AttemptStats;
  /** With `groupBy=subscription` or `eventType`, the one with most attempts first. */
  groups?: GroupStats[];
  /** With `groupBy=hour`: every hour of the window, oldest first. */
  hours?: HourStats[];
}
