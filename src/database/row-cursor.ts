import type pg from 'pg';
import Cursor from 'pg-cursor';

/** Every value as the text Postgres sends: whoever reads a million rows wants no objects made of them. */
const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;

/** A row as the texts of its columns, in their order. */
export type TextRow = (string | null)[];

/**
 * The rows of one statement on a connection and in a transaction of its own: read as fast as they are wanted, in constant memory
 * here and there, all as of the moment the cursor was opened.
 */
export class RowCursor {
  private stopped = false;
  /** A read failed: nobody knows what state the connection is in, or whether there is one. */
  private broken = false;

  private constructor(
    private readonly client: pg.PoolClient,
    private readonly cursor: Cursor<TextRow>,
    private readonly pid: number,
    private readonly terminate: (pid: number) => Promise<unknown>,
  ) {}

  static async open(
    client: pg.PoolClient,
    { text, values }: { text: string; values: unknown[] },
    terminate: (pid: number) => Promise<unknown>,
  ): Promise<RowCursor> {
    try {
      // A connection that is ended on purpose says so here too; unhandled, it would end the process.
      client.on('error', ignore);
      await client.query('begin isolation level repeatable read read only');
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
      const cursor = client.query(new Cursor<TextRow>(text, values, { rowMode: 'array', types: AS_TEXT }));
      return new RowCursor(client, cursor, rows[0]?.pid as number, terminate);
    } catch (error) {
      client.off('error', ignore);
      client.release(true);
      throw error;
    }
  }

  /**
   * All rows, at most so many at once; the next are fetched while the caller is at these. At the end, or when the caller leaves,
   * the connection is given back.
   */
  async *batches(rowsAtOnce: number): AsyncGenerator<TextRow[], void> {
    let next = this.read(rowsAtOnce);
    try {
      for (let rows = await next; rows.length > 0; rows = await next) {
        next = this.read(rowsAtOnce);
        yield rows;
      }
    } finally {
      await next.catch(() => undefined);
      await this.close();
    }
  }

  /** Ends the statement at once, whatever it is doing: who reads gets an error. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    await this.terminate(this.pid);
  }

  private read(rows: number): Promise<TextRow[]> {
    const read = this.cursor.read(rows);
    // It is waited for later, if at all.
    read.catch(() => {
      this.broken = true;
    });
    return read;
  }

  /** Gives the connection back, or what is left of it. Not while a read is under way. */
  private async close(): Promise<void> {
    if (!this.stopped && !this.broken) {
      try {
        await this.cursor.close();
        await this.client.query('rollback');
        this.client.off('error', ignore);
        return this.client.release();
      } catch {
        // Its transaction goes with it.
      }
    }
    // What was ended may yet say so: its listener stays.
    this.client.release(true);
  }
}

function ignore(): void {}
