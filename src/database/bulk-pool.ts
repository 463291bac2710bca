import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { Config } from '../config/env.js';
import { logger } from '../observability/logger.js';
import { DatabaseUrl } from './database-url.js';
import { RowCursor } from './row-cursor.js';

/** A statement, or a part of one, with the values of its parameters. */
export interface Sql {
  text: string;
  values: unknown[];
}

/** Beside the streams: what writes, serves and removes files, and what stops a stream. */
const OTHER_CONNECTIONS = 4;

/**
 * The pool of large amounts: exports read through it, their files are written and served through it. Apart from the hot path's, which
 * a slow reader must not hold up, and with the planner as it is.
 */
@Injectable()
export class BulkPool implements OnApplicationShutdown {
  private readonly pool: pg.Pool;

  constructor(database: DatabaseUrl, config: Config) {
    this.pool = new pg.Pool({
      connectionString: database.value,
      max: config.export.atOnce + OTHER_CONNECTIONS,
      options: '-c jit=off',
      application_name: 'posthaste bulk',
    });
    this.pool.on('error', (error) => logger.warn({ err: error.message }, 'database connection lost'));
  }

  async query<Row extends pg.QueryResultRow>({ text, values }: Sql): Promise<Row[]> {
    return (await this.pool.query<Row>(text, values)).rows;
  }

  /** Runs statements that are committed together, or not at all when `work` throws. */
  async inTransaction<T>(work: (run: (sql: Sql) => Promise<pg.QueryResult>) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      const result = await work(({ text, values }) => client.query(text, values));
      await client.query('commit');
      client.release();
      return result;
    } catch (error) {
      // Its transaction goes with it.
      client.release(true);
      throw error;
    }
  }

  /** Reads a statement's rows little by little, all as of this moment. Whoever opens it closes it. */
  async open(sql: Sql): Promise<RowCursor> {
    return RowCursor.open(await this.pool.connect(), sql, (pid) =>
      this.pool.query('select pg_terminate_backend($1)', [pid]),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
