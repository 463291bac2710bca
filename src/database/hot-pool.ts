import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { Config } from '../config/env.js';
import { logger } from '../observability/logger.js';
import { DatabaseUrl } from './database-url.js';

/**
 * Statements are planned when their tables are still empty, and the plan is kept. Whatever the tables grow to, each statement
 * here shall look its rows up one by one through an index: no scan, and no join that reads a whole table or index, however
 * cheap that seems while there is nothing in it. One record statement that did took 215 ms instead of 4.
 */
const PLANS = ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit'].map((name) => `-c ${name}=off`);

/**
 * The pool of the hot path (publishing, claiming, loading, recording): plain SQL, prepared statements.
 */
@Injectable()
export class HotPool implements OnApplicationShutdown {
  private readonly pool: pg.Pool;

  constructor(database: DatabaseUrl, config: Config) {
    this.pool = new pg.Pool({
      connectionString: database.value,
      max: config.database.poolSize,
      options: [...PLANS, '-c plan_cache_mode=force_generic_plan'].join(' '),
      application_name: 'posthaste',
    });
    // A connection lost while idle is replaced on the next query; unhandled, this event would end the process.
    this.pool.on('error', (error) => logger.warn({ err: error.message }, 'database connection lost'));
  }

  /** Runs a statement; `name` prepares it once for each connection. */
  async query<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    const result = await this.pool.query<Row>({ name, text, values });
    return result.rows;
  }

  /** Runs a statement that is put together for its values: it is planned for them, every time. */
  async queryPlanned<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    return (await this.pool.query<Row>(text, values)).rows;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
