import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { EmbeddedPostgresError } from './postgres-binaries.js';
import { PostgresCluster, SUPERUSER } from './postgres-cluster.js';

/** Held by the process that owns the server, on its one long-lived connection, so it ends with the process however that ends. */
const OWNER_LOCK = 72_707_370;
/** A process that was just killed holds the lock until Postgres has noticed. */
const OWNER_GONE_WITHIN_MS = 3_000;
const CONNECT_LIMIT_MS = 120_000;

export interface EmbeddedPostgresOptions {
  /** Folder for everything that is kept; made when missing. */
  dataDir: string;
  log: { info(message: string): void; warn(message: string): void; error(message: string): void };
  /** Postgres settings over ours, such as `{ fsync: 'off' }` for tests. */
  settings?: Record<string, string>;
  /** Called, unless the server is running already, when there is nothing to do but wait for it. */
  onLaunched?: () => void;
}

export interface EmbeddedPostgres {
  /** Connection string of a database; the port stays the same for as long as this process runs. */
  url(database: string): string;
  port: number;
  /** The server was already running: an earlier process was killed and left it. */
  reused: boolean;
  /** Stops the server and the watch over it. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that npm installed, or takes over the one that a killed process left running. While this process
 * runs, a Postgres that dies is started again on the same port.
 * @throws EmbeddedPostgresError when it cannot start, or when another live process owns this dataDir
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = path.resolve(options.dataDir);
  const cluster = await PostgresCluster.open(dataDir, options.settings);
  const reused = (await cluster.runningPort()) !== null;
  const supervisor = new PostgresSupervisor(cluster, await cluster.start(options), dataDir, options.log);
  await supervisor.own();
  return {
    url: (database) => supervisor.url(database),
    port: supervisor.port,
    reused,
    stop: () => supervisor.stop(),
  };
}

/** Owns a running server by one connection that holds a lock. The connection's end is how a dead Postgres is noticed. */
class PostgresSupervisor {
  private connection: pg.Client | null = null;
  private recovery: Promise<void> | null = null;
  private stopping = false;

  constructor(
    private readonly cluster: PostgresCluster,
    readonly port: number,
    private readonly dataDir: string,
    private readonly log: EmbeddedPostgresOptions['log'],
  ) {}

  url(database: string): string {
    return `postgres://${SUPERUSER}:${this.cluster.password}@127.0.0.1:${this.port}/${encodeURIComponent(database)}`;
  }

  async own(): Promise<void> {
    const connection = await this.connect();
    try {
      await this.takeLock(connection);
    } catch (error) {
      await connection.end();
      throw error;
    }
    this.connection = connection;
    connection.once('end', () => {
      if (!this.stopping) this.recovery = this.recover();
    });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.recovery;
    await this.connection?.end();
    await this.cluster.stop();
  }

  private async recover(): Promise<void> {
    this.connection = null;
    for (let pauseMs = 250; !this.stopping; pauseMs = Math.min(pauseMs * 2, 10_000)) {
      try {
        const died = (await this.cluster.runningPort()) === null;
        if (died) {
          this.log.warn('PostgreSQL ended unexpectedly: starting it again');
          await this.cluster.start({ port: this.port });
        }
        if (this.stopping) return;
        await this.own();
        if (died) this.log.info('PostgreSQL is back');
        return;
      } catch (error) {
        this.log.error(`PostgreSQL is not back yet, trying again: ${(error as Error).message}`);
        await delay(pauseMs);
      }
    }
  }

  private async connect(): Promise<pg.Client> {
    const giveUpAt = performance.now() + CONNECT_LIMIT_MS;
    for (;;) {
      const connection = new pg.Client({
        connectionString: this.url('postgres'),
        application_name: `posthaste owner ${process.pid}`,
        keepAlive: true,
      });
      // Without a listener, the end of the server would be an uncaught exception; 'end' follows.
      connection.on('error', () => {});
      try {
        await connection.connect();
        return connection;
      } catch (error) {
        await connection.end().catch(() => {});
        const wrongPassword = (error as { code?: string }).code === '28P01';
        if (
          wrongPassword ||
          this.stopping ||
          performance.now() > giveUpAt ||
          (await this.cluster.runningPort()) === null
        ) {
          throw new EmbeddedPostgresError(
            `The PostgreSQL in ${this.dataDir} cannot be reached: ${(error as Error).message}`,
          );
        }
        await delay(50);
      }
    }
  }

  private async takeLock(connection: pg.Client): Promise<void> {
    const giveUpAt = performance.now() + OWNER_GONE_WITHIN_MS;
    for (;;) {
      const { rows } = await connection.query('select pg_try_advisory_lock($1) as mine', [OWNER_LOCK]);
      if (rows[0].mine) return;
      if (performance.now() > giveUpAt) break;
      await delay(100);
    }
    const { rows } = await connection.query(
      `select a.application_name from pg_locks l join pg_stat_activity a using (pid)
       where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid = $1`,
      [OWNER_LOCK],
    );
    const owner = /\d+$/.exec(rows[0]?.application_name ?? '')?.[0];
    throw new EmbeddedPostgresError(
      `Another Posthaste${owner ? ` (process ${owner})` : ''} is already using ${this.dataDir}: stop it first, or give this one a DATA_DIR of its own`,
    );
  }
}
