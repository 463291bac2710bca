import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { PrismaPg } from '@prisma/adapter-pg';
import { type Prisma, PrismaClient } from '../generated/prisma/client.js';
import { DatabaseUrl } from './database-url.js';

/** An open transaction. Who is not a store passes it on to stores and does nothing else with it. */
export type Transaction = Prisma.TransactionClient;

// In a burst a write waits for its turn rather than fail.
const TRANSACTION_LIMITS = { maxWait: 30_000, timeout: 30_000 };

/** Everything off the hot path goes through Prisma, with a small pool of its own. */
@Injectable()
export class PrismaService extends PrismaClient implements OnApplicationShutdown {
  constructor(database: DatabaseUrl) {
    super({ adapter: new PrismaPg({ connectionString: database.value, max: 5 }) });
  }

  /** Runs statements that are committed together, or not at all when `work` throws. */
  inTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.$transaction(work, TRANSACTION_LIMITS);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.$disconnect();
  }
}

/** Prisma's code of a violated unique constraint. */
export function isUniqueViolation(error: unknown): boolean {
  return (error as { code?: string })?.code === 'P2002';
}
