import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Config, processEnvironment } from './config/env.js';
import { logger } from './observability/logger.js';

const RESTART_MS = 1_000;
/** Beyond what requests under way may take. */
const STOP_LIMIT_MS = 10_000;

/**
 * Worker processes of one machine, over the same database and queue (`WORKERS=n`). They share nothing with this process but
 * those: each could as well run elsewhere. One that dies is started again, and its deliveries come back when their leases end.
 */
export class WorkerProcesses {
  private readonly running = new Set<ChildProcess>();
  private stopping = false;

  constructor(
    private readonly config: Config,
    private readonly databaseUrl: string,
    /** What this process was started with. */
    private readonly program = process.argv[1] as string,
  ) {}

  start(): void {
    for (let i = 0; i < this.config.workers; i++) this.startOne();
  }

  /** Each finishes or gives back what it holds. */
  async stop(): Promise<void> {
    this.stopping = true;
    const limit = setTimeout(() => {
      for (const worker of this.running) worker.kill('SIGKILL');
    }, this.config.shutdownGraceMs + STOP_LIMIT_MS);
    await Promise.all(
      [...this.running].map((worker) => {
        const ended = once(worker, 'exit');
        // To it, the end of this channel means that nobody is left who wants its work, however we ended.
        if (worker.connected) worker.disconnect();
        return ended;
      }),
    );
    clearTimeout(limit);
  }

  private startOne(): void {
    const worker = fork(this.program, {
      env: {
        ...processEnvironment(),
        ROLES: 'worker',
        WORKERS: '0',
        HOST: '127.0.0.1',
        PORT: '0',
        DATABASE_URL: this.databaseUrl,
        MASTER_KEY: (this.config.security.masterKey as Buffer).toString('base64'),
      },
    });
    this.running.add(worker);
    worker.once('exit', (code, signal) => {
      this.running.delete(worker);
      if (this.stopping) return;
      logger.error({ pid: worker.pid, code, signal }, 'a worker process ended; another one is started');
      setTimeout(() => this.stopping || this.startOne(), RESTART_MS);
    });
    logger.info({ worker: worker.pid }, 'worker process started');
  }
}
