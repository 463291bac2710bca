import { randomBytes } from 'node:crypto';
import { constants, existsSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { access, appendFile, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedPostgresError, PostgresBinaries } from './postgres-binaries.js';

export const SUPERUSER = 'postgres';

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  max_connections: '200',
  shared_buffers: '128MB',
  wal_compression: 'on',
  max_wal_size: '1GB',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Failed statements are reported by the application that sent them, and their text may hold personal data.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
};

const LOG_LIMIT_BYTES = 4 * 1024 * 1024;
/** Replay of a gigabyte of WAL after a crash takes seconds on an idle machine, far longer on a busy one. */
const START_LIMIT_MS = 300_000;

/**
 * The files of one embedded Postgres and the process that serves them. Everything is in `<dataDir>/postgres`:
 * `data/`, `password`, `server.log` (Postgres), `launcher.log` (initdb, pg_ctl).
 */
export class PostgresCluster {
  private constructor(
    private readonly folder: string,
    private readonly binaries: PostgresBinaries,
    readonly password: string,
    private readonly settings: Record<string, string>,
  ) {}

  /** Makes the files when there are none. `settings` come after ours and win. */
  static async open(dataDir: string, settings: Record<string, string> = {}): Promise<PostgresCluster> {
    await mkdir(dataDir, { recursive: true });
    const folder = path.join(dataDir, 'postgres');
    const isNew = !existsSync(folder);
    if (isNew) await refuseUnwritable(dataDir);
    const binaries = await PostgresBinaries.find(dataDir, isNew ? null : statSync(folder).uid);
    if (isNew) await createFiles(dataDir, folder, binaries);
    // Made where a namespace could be used, served where it cannot.
    else binaries.handOver(folder);

    const password = await readFile(path.join(folder, 'password'), 'utf8').catch(() => {
      throw new EmbeddedPostgresError(
        `${folder} holds a database but its password cannot be read from the file "password" in it. Run as the account that owns the folder, put the file back, or move the folder away to start with an empty database`,
      );
    });
    return new PostgresCluster(folder, binaries, password, { ...SETTINGS, ...settings });
  }

  /** The port of the server that is serving these files now, or null. Clears away what a dead one left. */
  async runningPort(): Promise<number | null> {
    const file = this.inData('postmaster.pid');
    const content = await readFile(file, 'utf8').catch(() => '');
    const [pid, , , port] = content.split('\n').map(Number);
    if (!pid || !port) return null;
    if (serves(pid, this.inData())) return port;
    // Postgres itself only asks whether some process has this pid, so a zombie or an unrelated process would stop it.
    if ((await readFile(file, 'utf8').catch(() => '')) === content) await rm(file, { force: true });
    return null;
  }

  /**
   * Starts the server unless one is running; gives its port. That is `port` when given (it waits for it), else the one
   * of last time when it is free, else a new one.
   * @param options.onLaunched called when there is nothing to do but wait for it
   */
  async start({ port, onLaunched }: { port?: number; onLaunched?: () => void } = {}): Promise<number> {
    const giveUpAt = performance.now() + START_LIMIT_MS;
    for (;;) {
      const running = await this.runningPort();
      if (running !== null) return running;
      await this.configure(port ?? (await this.choosePort()));
      await this.shortenLog();
      const logLengthBefore = await sizeOf(this.inFolder('server.log'));
      const options = ['-l', this.inFolder('server.log'), '-w', '-t', '300'];
      if ((await this.pgCtl('start', options, onLaunched)) === 0) continue;

      const reason = await this.lastLines(logLengthBefore);
      // Another start is under way, processes of a killed server are still ending, or the port was taken meanwhile.
      const passes = /still in use|lock file .* already exists|could not bind|another server might be running/i;
      if (!passes.test(reason) || performance.now() > giveUpAt) {
        throw new EmbeddedPostgresError(`PostgreSQL did not start in ${this.folder}:\n${reason}`);
      }
      await delay(250);
    }
  }

  /** A fast shutdown: open transactions are rolled back, what was committed is on disk. */
  async stop(): Promise<void> {
    if ((await this.runningPort()) === null) return;
    if ((await this.pgCtl('stop', ['-m', 'fast', '-w', '-t', '60'])) === 0) return;
    if ((await this.runningPort()) === null) return;
    if ((await this.pgCtl('stop', ['-m', 'immediate', '-w', '-t', '30'])) === 0) return;
    throw new EmbeddedPostgresError(`PostgreSQL in ${this.folder} does not stop:\n${await this.lastLines(0)}`);
  }

  private pgCtl(action: string, options: string[], onLaunched?: () => void): Promise<number> {
    const args = [action, '-D', this.inData(), ...options];
    return this.binaries.run('pg_ctl', args, this.inFolder('launcher.log'), onLaunched);
  }

  private async configure(port: number): Promise<void> {
    const lines = Object.entries({ ...this.settings, port: String(port) }).map(
      ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
    );
    await writeFile(this.inData('posthaste.conf'), lines.join(''));
    this.binaries.handOver(this.inData('posthaste.conf'));
  }

  private async choosePort(): Promise<number> {
    const lastConfiguration = await readFile(this.inData('posthaste.conf'), 'utf8').catch(() => '');
    const lastPort = Number(/^port = '(\d+)'/m.exec(lastConfiguration)?.[1] ?? 0);
    return lastPort > 0 && (await isPortFree(lastPort)) ? lastPort : freePort();
  }

  private async shortenLog(): Promise<void> {
    if ((await sizeOf(this.inFolder('server.log'))) > LOG_LIMIT_BYTES) await truncate(this.inFolder('server.log'));
  }

  private async lastLines(fromByte: number): Promise<string> {
    const server = await readFile(this.inFolder('server.log')).catch(() => Buffer.alloc(0));
    const launcher = await readFile(this.inFolder('launcher.log'), 'utf8').catch(() => '');
    return `${launcher}\n${server.subarray(fromByte)}`.trim().split('\n').slice(-12).join('\n');
  }

  private inFolder = (name: string) => path.join(this.folder, name);
  private inData = (...names: string[]) => path.join(this.folder, 'data', ...names);
}

async function refuseUnwritable(dataDir: string): Promise<void> {
  await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: NodeJS.ErrnoException) => {
    throw new EmbeddedPostgresError(
      `The database cannot be kept in ${dataDir}: this account may not write there (${error.code}). Make it writable, or set DATA_DIR to another folder`,
    );
  });
}

/** Made beside and moved into place whole: a crash half-way, or another start at the same time, leaves no half-made database. */
async function createFiles(dataDir: string, folder: string, binaries: PostgresBinaries): Promise<void> {
  const unfinished = path.join(dataDir, `postgres.unfinished-${process.pid}-${randomBytes(4).toString('hex')}`);
  await removeLeftovers(dataDir);
  await mkdir(unfinished, { mode: 0o700 });
  const passwordFile = path.join(unfinished, 'password');
  await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
  binaries.handOver(unfinished);

  const data = path.join(unfinished, 'data');
  const log = path.join(unfinished, 'launcher.log');
  const options = [
    '-U',
    SUPERUSER,
    '--pwfile',
    passwordFile,
    '--auth=scram-sha-256',
    '-E',
    'UTF8',
    '--no-instructions',
  ];
  const locale = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  if ((await binaries.run('initdb', ['-D', data, ...options, ...locale], log)) !== 0) {
    const reason = await readFile(log, 'utf8').catch(() => '');
    await rm(unfinished, { recursive: true, force: true });
    throw new EmbeddedPostgresError(`The database files could not be made in ${dataDir}:\n${reason.trim()}`);
  }
  await appendFile(path.join(data, 'postgresql.conf'), "\ninclude 'posthaste.conf'\n");
  await writeFile(path.join(data, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n');
  await rename(unfinished, folder).catch(async (error: NodeJS.ErrnoException) => {
    await rm(unfinished, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}

async function removeLeftovers(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const maker = /^postgres\.unfinished-(\d+)-/.exec(name)?.[1];
    if (maker !== undefined && !isAlive(Number(maker))) {
      await rm(path.join(dataDir, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether that process is a Postgres on that folder. A killed one that nobody reaps stays "alive" as a zombie. */
function serves(pid: number, data: string): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    // Postgres works in its data folder; a zombie has no working folder (ENOENT).
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(data);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') return false;
    // Another account's process, and this one may not look inside: its command line is open to all, a zombie's is empty.
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres');
  }
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * A free port below the range systems take for outgoing connections: from that range, a client that tries to reconnect
 * while the server is down can be given the server's port as its own, connect to itself and keep the server out.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (await isPortFree(port)) return port;
  }
}
