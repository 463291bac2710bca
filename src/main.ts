import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { Config, ConfigError, processEnvironment } from './config/env.js';
import { loadOrCreateMasterKey } from './config/master-key.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './database/embedded-postgres.js';
import { configureLogger, logger } from './observability/logger.js';
import { banner, startLine } from './start-messages.js';
import { WorkerProcesses } from './worker-processes.js';

const DATABASE = 'posthaste';

/** Starts a process: settings, database, migrations, application. Everything that is started is stopped by `stop`, in reverse. */
async function start(): Promise<() => Promise<void>> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const config = Config.load(processEnvironment(), version);
  configureLogger(config.log);
  await refuseTakenPort(config);
  config.security.masterKey ??= await loadOrCreateMasterKey(config.dataDir);
  // Loading the application keeps this process busy for as long as Postgres takes to start: both are done at once.
  const postgres = await startPostgres(config, () => void application());
  const { createApp, migrate, Bootstrapper } = await application();
  try {
    const databaseUrl = config.database.url ?? (postgres as EmbeddedPostgres).url(DATABASE);
    await migrate(databaseUrl, {
      bullmqSchema: !config.queue.redisUrl,
      onProgress: (migration) => startLine(config, `Applying migration ${migration}`),
    });
    const app = await createApp(config, databaseUrl);
    await app.init();
    const bootstrap = await app.get(Bootstrapper).ensureFirstTenant();
    await app.listen(config.http.port, config.http.host);
    const workers = new WorkerProcesses(config, databaseUrl);
    workers.start();
    // A worker process of another one has nothing to say to a person.
    if (!process.connected) banner(config, bootstrap, await app.getUrl());
    return async () => {
      await app.close();
      await workers.stop();
      await postgres?.stop();
    };
  } catch (error) {
    await postgres?.stop();
    throw error;
  }
}

async function startPostgres(config: Config, onLaunched: () => void): Promise<EmbeddedPostgres | null> {
  if (config.database.url) return null;
  startLine(config, 'Starting the embedded Postgres');
  return startEmbeddedPostgres({ dataDir: config.dataDir, log: embeddedLog, onLaunched });
}

/** All but what starting Postgres needs. The build calls it too, and keeps what is compiled by it. */
export async function application() {
  const [{ createApp }, { migrate }, { Bootstrapper }] = await Promise.all([
    import('./app.js'),
    import('./database/migrate.js'),
    import('./tenants/bootstrapper.js'),
  ]);
  return { createApp, migrate, Bootstrapper };
}

const embeddedLog = {
  info: (message: string) => logger.info({ component: 'postgres' }, message),
  warn: (message: string) => logger.warn({ component: 'postgres' }, message),
  error: (message: string) => logger.error({ component: 'postgres' }, message),
};

/** Says so before Postgres is started for nothing. */
function refuseTakenPort(config: Config): Promise<void> {
  const { port, host } = config.http;
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      reject(
        new StartError(`Port ${port} is taken. Stop what uses it, or choose another one: PORT=${port + 1} npm start`),
      );
    });
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

class StartError extends Error {}

/** Mistakes that a person can mend are told in a line; anything else with its stack. */
function explain(error: unknown): string {
  const expected =
    error instanceof ConfigError ||
    error instanceof StartError ||
    /^(Migration|EmbeddedPostgres)Error$/.test((error as Error).name);
  return expected ? (error as Error).message : String((error as Error).stack ?? error);
}

/** What the launcher (scripts/lib/launcher.mjs) calls. */
export async function run(): Promise<void> {
  let stop: () => Promise<void>;
  try {
    stop = await start();
  } catch (error) {
    process.stderr.write(`\n${explain(error)}\n\n`);
    process.exit(1);
  }
  let stopping = false;
  const end = (signal: NodeJS.Signals) => {
    // Asked twice: whoever asks does not want to wait for requests under way.
    if (stopping) process.exit(130);
    stopping = true;
    logger.info({ signal }, 'stopping');
    stop().then(
      () => {
        logger.info('stopped');
        logger.flush();
        process.exit(0);
      },
      (error) => {
        logger.error({ err: error }, 'could not stop in order');
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  // The process whose worker this is has ended, in whatever way.
  if (process.connected) process.once('disconnect', () => end('SIGTERM'));
}
