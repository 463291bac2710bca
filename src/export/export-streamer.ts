import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Config } from '../config/env.js';
import { AppError } from '../core/errors.js';
import type { RowCursor } from '../database/row-cursor.js';
import { logger } from '../observability/logger.js';
import { type Export, type ExportEnd, ExportStore } from './export.store.js';
import { ALIVE_MS, type Asker, ExportRecorder } from './export-recorder.js';
import { ExportRowsStore, type RowSelection } from './export-rows.store.js';
import type { Wanted } from './export-selector.js';
import { ResponseSink } from './response-sink.js';
import { cellsOf } from './row-cells.js';
import { CONTENT_TYPES, type RowWriter } from './row-writer.js';

const RETRY_AFTER_S = 10;
const STOPPED = 'The server was stopped before the end.';

export interface StreamOrder {
  asker: Asker;
  wanted: Wanted;
  selection: RowSelection;
  limit: number | undefined;
  /** How it is written, and what the client is to call it. */
  shape: (record: Export) => { writer: RowWriter; fileName: string };
}

/** One export on its way to a client. */
interface Running {
  cursor: RowCursor | null;
  sink: ResponseSink | null;
  /** Why we break it off; null: we do not. */
  stopped: string | null;
  done: Promise<unknown>;
}

/**
 * Answers a request with an export while it is read: in constant memory, as fast as the client takes it, with the record written
 * before the first byte. So many at once, each with a connection of its own; a client that goes away takes its statement with it.
 */
@Injectable()
export class ExportStreamer implements BeforeApplicationShutdown {
  private readonly running = new Set<Running>();
  private closing = false;

  constructor(
    private readonly config: Config,
    private readonly rows: ExportRowsStore,
    private readonly store: ExportStore,
    private readonly recorder: ExportRecorder,
  ) {}

  /** @throws AppError `too_many_exports`; whatever goes wrong once bytes are sent ends the connection and is on record */
  async stream(order: StreamOrder, reply: FastifyReply): Promise<void> {
    const contentType = CONTENT_TYPES[order.wanted.format];
    // It asks what a GET would be: nothing leaves by it.
    if (order.asker.request.method === 'HEAD') return void reply.header('content-type', contentType).send();
    if (this.closing || this.running.size >= this.config.export.atOnce) throw this.tooMany();
    const run: Running = { cursor: null, sink: null, stopped: null, done: Promise.resolve() };
    this.running.add(run);
    const sending = this.send(order, reply, run).finally(() => this.running.delete(run));
    run.done = sending.catch(() => undefined);
    await sending;
  }

  /** What is under way gets the time that requests get; then it is broken off, and recorded so. */
  async beforeApplicationShutdown(): Promise<void> {
    this.closing = true;
    const all = Promise.all([...this.running].map((run) => run.done));
    let timer: NodeJS.Timeout | undefined;
    const graceOver = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.config.shutdownGraceMs);
    });
    await Promise.race([all, graceOver]);
    clearTimeout(timer);
    for (const run of this.running) {
      run.stopped = STOPPED;
      await stop(run);
      // It may be waiting for its client to read on.
      run.sink?.breakOff();
    }
    await all;
  }

  private async send(order: StreamOrder, reply: FastifyReply, run: Running): Promise<void> {
    const { asker, wanted, selection, limit } = order;
    const sink = new ResponseSink(reply.raw, () => void stop(run));
    run.sink = sink;
    run.cursor = await this.rows.open(selection, { limit });
    if (sink.gone) await stop(run);
    const batches = run.cursor.batches(selection.source.rowsAtOnce);
    try {
      // A statement that fails does so here, and is answered like any other mistake.
      const first = await batches.next().catch((error: unknown) => {
        if (!sink.gone) throw error;
      });
      // Gone before anything was sent: there is nobody to answer, and nothing left.
      if (!first || sink.gone) return void reply.hijack();
      const fields = selection.columns.map((column) => column.name);
      const record = await this.recorder.begin('stream', asker, wanted, fields);
      const { writer, fileName } = order.shape(record);
      startAnswer(reply, CONTENT_TYPES[wanted.format], fileName, record);
      const progress = { rowCount: 0 };
      const end = await this.keptAlive(record, progress, sink, async () => {
        await sink.write(writer.head);
        for (let batch = first; batch.value && !sink.gone; batch = await batches.next()) {
          const rows = cellsOf(selection, batch.value);
          await sink.write(writer.rows(rows, progress.rowCount === 0));
          if (!sink.gone) progress.rowCount += rows.length;
        }
        await sink.write(writer.tail(progress.rowCount));
        await sink.finish();
      }).then(
        () => outcome(run, sink, null),
        (error: Error) => outcome(run, sink, error),
      );
      if (end.status !== 'succeeded') sink.breakOff();
      await this.recordEnd(record, {
        ...end,
        rowCount: progress.rowCount,
        byteCount: sink.byteCount,
        sha256: sink.sha256(),
      });
    } finally {
      await batches.return();
    }
  }

  /** A process that dies leaves a record that nobody renews: the sweeper ends it. */
  private async keptAlive(
    record: Export,
    progress: { rowCount: number },
    sink: ResponseSink,
    work: () => Promise<void>,
  ): Promise<void> {
    const timer = setInterval(() => {
      const sent = { rowCount: progress.rowCount, byteCount: sink.byteCount };
      this.store
        .renew(record.tenantId, record.id, sent, this.recorder.aliveUntil())
        .catch((error: Error) => logger.warn({ exportId: record.id, err: error.message }, 'export was not renewed'));
    }, ALIVE_MS / 3);
    try {
      await work();
    } finally {
      clearInterval(timer);
    }
  }

  /** The client has its answer: what fails here is the sweeper's to mend. */
  private async recordEnd(record: Export, end: ExportEnd): Promise<void> {
    await this.recorder
      .end(record, end)
      .catch((error: Error) => logger.error({ exportId: record.id, err: error.message }, 'end of export not recorded'));
  }

  private tooMany(): AppError {
    const { atOnce } = this.config.export;
    return new AppError('too_many_exports', {
      detail: `${atOnce} exports are being sent already. Try again in ${RETRY_AFTER_S} s, or ask for a file with POST /api/v1/exports.`,
      headers: { 'retry-after': String(RETRY_AFTER_S) },
    });
  }
}

async function stop({ cursor }: Running): Promise<void> {
  await cursor
    ?.stop()
    .catch((error: Error) => logger.warn({ err: error.message }, 'statement of an export was not stopped'));
}

function outcome(run: Running, sink: ResponseSink, error: Error | null): Pick<ExportEnd, 'status' | 'error'> {
  if (run.stopped) return { status: 'interrupted', error: run.stopped };
  if (sink.gone) return { status: 'aborted', error: sink.gone };
  if (!error) return { status: 'succeeded', error: null };
  logger.error({ err: error }, 'export failed');
  return { status: 'failed', error: `It failed for a reason on our side (${error.name}). What was sent is not whole.` };
}

/** From here on the answer is ours alone: nothing buffers it, nothing changes it. */
function startAnswer(reply: FastifyReply, contentType: string, fileName: string, record: Export): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': contentType,
    'content-disposition': `attachment; filename="${fileName}"`,
    'cache-control': 'private, no-store',
    'x-export-id': record.id,
  });
}
