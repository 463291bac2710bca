import { BullModule } from '@nestjs/bullmq';
import { type DynamicModule, Module } from '@nestjs/common';
import { createPostgresBackend, setDefaultBackendFactory } from 'bullmq';
import { Config } from '../config/env.js';
import { DatabaseUrl } from '../database/database-url.js';

// Each queue and each worker opens its own pool; a few connections do, they carry chunks and background work only.
const POSTGRES_CONNECTIONS = 3;

/**
 * BullMQ over Redis when REDIS_URL is set, else over its Postgres backend in the same database. Jobs say "look at these
 * rows now" and no more: what must survive is in our own tables.
 */
@Module({})
export class QueueModule {
  static forRoot(redisUrl: string | null): DynamicModule {
    setDefaultBackendFactory(redisUrl ? undefined : (createPostgresBackend as never));
    return {
      module: QueueModule,
      imports: [
        BullModule.forRootAsync({
          inject: [Config, DatabaseUrl],
          useFactory: (config: Config, database: DatabaseUrl) => ({
            connection: (config.queue.redisUrl
              ? { url: config.queue.redisUrl, maxRetriesPerRequest: null }
              : { connectionString: database.value, max: POSTGRES_CONNECTIONS, migrate: true }) as never,
            // Bounded by count and by age: a queue that keeps its history fills its Redis.
            defaultJobOptions: {
              removeOnComplete: { count: 100, age: 3600 },
              removeOnFail: { count: 1000, age: 24 * 3600 },
            },
          }),
        }),
      ],
    };
  }
}
