import { Injectable } from '@nestjs/common';
import { PrismaService } from '../database/prisma.service.js';
import { Prisma } from '../generated/prisma/client.js';

/** Attempts of one group with the same outcome and about the same duration. */
export interface StatCount {
  key: string;
  outcome: string;
  bucket: number;
  count: number;
}

export type StatGroup = 'none' | 'subscription' | 'eventType' | 'hour';

const KEYS: Record<StatGroup, Prisma.Sql> = {
  none: Prisma.sql`''`,
  subscription: Prisma.sql`subscription_id::text`,
  eventType: Prisma.sql`event_type`,
  // ISO 8601, as Date writes it.
  hour: Prisma.sql`to_char(hour at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"')`,
};

/** Reads the hourly rollup of attempts: its rows are few, whatever there was to count. */
@Injectable()
export class StatsStore {
  constructor(private readonly prisma: PrismaService) {}

  /** @param subscriptionId undefined: all of the tenant's */
  count(tenantId: string, subscriptionId: string | undefined, since: Date, group: StatGroup): Promise<StatCount[]> {
    const ofOne =
      subscriptionId === undefined ? Prisma.empty : Prisma.sql`and subscription_id = ${subscriptionId}::uuid`;
    return this.prisma.$queryRaw<StatCount[]>`
      select ${KEYS[group]} as key, outcome, bucket::int as bucket, sum(count)::float8 as count
      from delivery_stats
      where tenant_id = ${tenantId}::uuid and hour >= ${since} ${ofOne}
      group by 1, 2, 3`;
  }
}
