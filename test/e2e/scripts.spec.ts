import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCHEMA = `
generator client {
  provider            = "prisma-client"
  output              = "../src/generated/prisma"
  runtime             = "nodejs"
  moduleFormat        = "esm"
  importFileExtension = "js"
}

datasource db {
  provider = "postgresql"
}

model Thing {
  id   Int    @id
  name String

  @@map("things")
}
`;

/** Our scripts and settings around a project small enough to build in seconds, on a path with a space. */
describe('the scripts', { timeout: 180_000 }, () => {
  let project: string;
  const inProject = (...names: string[]) => path.join(project, ...names);
  const serverThat = (does: string) =>
    writeFile(
      inProject('src/main.ts'),
      `export async function application() {}\nexport async function run() {\n  ${does}\n}\n`,
    );

  beforeEach(async () => {
    project = await mkdtemp(path.join(os.tmpdir(), 'posthaste scripts '));
    const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'nest-cli.json'];
    for (const name of ['scripts', 'prisma.config.ts', ...settings])
      await cp(name, inProject(name), { recursive: true });
    for (const folder of ['prisma', 'src', 'test']) await mkdir(inProject(folder));
    await writeFile(inProject('prisma/schema.prisma'), SCHEMA);
    await serverThat("console.log('the server of today');");
    await symlink(path.resolve('node_modules'), inProject('node_modules'), 'dir');
  });
  afterEach(() => rm(project, { recursive: true, force: true }));

  const run = (args: string[]) =>
    new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      // Not the environment of this test run: the scripts start a vitest of their own.
      const env = { PATH: process.env.PATH, HOME: process.env.HOME, npm_execpath: process.env.npm_execpath };
      execFile(process.execPath, args, { cwd: project, env }, (error, stdout, stderr) => {
        resolve({ status: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      });
    });

  describe('npm start', () => {
    it('generates and builds, then runs the server; the next start does neither until a source changes', async () => {
      const first = await run(['scripts/start.mjs']);
      expect(first).toMatchObject({ status: 0, stdout: 'the server of today\n' });
      expect(first.stderr).toMatch(/✓ Generating the database client {2}[\d.]+ s\n/);
      expect(first.stderr).toMatch(/✓ Building {2}[\d.]+ s\n$/);

      await utimes(inProject('src/main.ts'), new Date(), new Date());
      expect(await run(['scripts/start.mjs'])).toEqual({ status: 0, stdout: 'the server of today\n', stderr: '' });

      await serverThat("console.log('the server of tomorrow');");
      const changed = await run(['scripts/start.mjs']);
      expect(changed.stdout).toBe('the server of tomorrow\n');
      expect(changed.stderr).toContain('✓ Building');
      expect(changed.stderr).not.toContain('Generating');
    });

    it('starts without what was compiled before, and names lines of the sources in stacks', async () => {
      await serverThat("throw new Error('at a loss');");
      await run(['scripts/start.mjs']);
      await rm(inProject('dist/server.cjs.compiled'));
      const { status, stderr } = await run(['scripts/start.mjs']);
      expect(status).toBe(1);
      expect(stderr).toContain(`Error: at a loss\n    at Module.run (${inProject('src/main.ts')}:3:9)`);
    });

    it('shows what the compiler said and where the rest of it is, and runs nothing', async () => {
      await writeFile(inProject('src/main.ts'), "const port: number = 'none';\nconsole.log(port);\n");
      const { status, stdout, stderr } = await run(['scripts/start.mjs']);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain('✗ Building');
      expect(stderr).toContain("Type 'string' is not assignable to type 'number'");
      const logFile = /everything it said: (.*)\n/.exec(stderr)?.[1] ?? '';
      expect(await readFile(logFile, 'utf8')).toContain("Type 'string' is not assignable to type 'number'");
      await rm(path.dirname(logFile), { recursive: true });
    });

    it('tells the owner of an old Node what to do', async () => {
      const pretend = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { node: '20.18.3' } })`;
      expect(await run(['--import', pretend, 'scripts/start.mjs'])).toEqual({
        status: 1,
        stdout: '',
        stderr: 'Posthaste needs Node.js 20.19 or newer; this is 20.18.3. See https://nodejs.org/en/download\n',
      });
    });
  });

  describe('installing', () => {
    const install = () =>
      run([
        '-e',
        "import('./scripts/lib/project.mjs').then((p) => p.ensureInstalled()).catch((e) => { console.error(e.message); process.exit(1) })",
      ]);
    const lock = (version: string) =>
      writeFile(
        inProject('package-lock.json'),
        JSON.stringify({
          name: 'small',
          lockfileVersion: 3,
          packages: {
            '': { name: 'small', dependencies: { part: 'file:part.tgz' } },
            'node_modules/part': { version, resolved: 'file:part.tgz' },
          },
        }),
      );

    beforeEach(async () => {
      await rm(inProject('node_modules'));
      await writeFile(inProject('package.json'), '{ "name": "small", "dependencies": { "part": "file:part.tgz" } }');
      await lock('1.0.0');
    });
    const pack = async (version: string) => {
      await mkdir(inProject('package'), { recursive: true });
      await writeFile(inProject('package/package.json'), JSON.stringify({ name: 'part', version }));
      await new Promise<void>((resolve, reject) => {
        execFile('tar', ['-czf', 'part.tgz', 'package'], { cwd: project }, (error) =>
          error ? reject(error) : resolve(),
        );
      });
    };

    it('installs what the lock file asks for, once, and again when it asks for something else', async () => {
      await pack('1.0.0');
      expect((await install()).stderr).toMatch(/✓ Installing packages .*\d s\n$/);
      expect(await install()).toEqual({ status: 0, stdout: '', stderr: '' });

      await pack('2.0.0');
      await lock('2.0.0');
      expect((await install()).stderr).toMatch(/✓ Installing packages .*\d s\n$/);
      expect(JSON.parse(await readFile(inProject('node_modules/part/package.json'), 'utf8')).version).toBe('2.0.0');
    });

    it('shows what npm said when it cannot, and where all of it is', async () => {
      const { status, stderr } = await install();
      expect(status).toBe(1);
      expect(stderr).toContain('✗ Installing packages');
      expect(stderr).toContain('ENOENT');
      const logFile = /everything it said: (.*)\n/.exec(stderr)?.[1] ?? '';
      expect(await readFile(logFile, 'utf8')).toContain('part.tgz');
      await rm(path.dirname(logFile), { recursive: true });
    });
  });

  it('npm test closes with how many passed and failed, and fails when one did or none ran', async () => {
    await writeFile(inProject('vitest.config.mjs'), "export default { test: { include: ['test/*.spec.mjs'] } };\n");
    const spec = (name: string, ...outcomes: boolean[]) =>
      writeFile(
        inProject(`test/${name}.spec.mjs`),
        `import { expect, it } from 'vitest';\n${outcomes.map((good, i) => `it('${i}', () => expect(${good}).toBe(true));`).join('\n')}`,
      );
    await spec('good', true, true);
    await spec('mixed', true, false);
    await writeFile(inProject('test/broken.spec.mjs'), "throw new Error('does not load');\n");
    const closing = async (...args: string[]) => {
      const { status, stdout } = await run(['scripts/test.mjs', ...args]);
      return [status, stdout.trimEnd().split('\n').at(-1)];
    };

    expect(await closing('test/good')).toEqual([0, '2 passed, 0 failed']);
    expect(await closing('test/good', 'test/mixed')).toEqual([1, '3 passed, 1 failed']);
    expect(await closing('test/good', 'test/broken')).toEqual([1, '2 passed, 1 failed']);
    expect(await closing('no-such-test')).toEqual([1, '0 passed, 1 failed']);
  });

  it('npm run migration writes what changed in the schema since the last one', async () => {
    const migrations = async () =>
      (await readdir(inProject('prisma/migrations'), { withFileTypes: true }))
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name);
    const migration = async (name: string) =>
      readFile(
        inProject('prisma/migrations', (await migrations()).find((one) => one.endsWith(name)) ?? '', 'migration.sql'),
        'utf8',
      );

    expect(await run(['scripts/new-migration.mjs', 'init'])).toMatchObject({ status: 0 });
    expect(await migration('_init')).toContain('CREATE TABLE "things"');

    expect((await run(['scripts/new-migration.mjs', 'nothing'])).stdout).toContain('asks for nothing');
    await writeFile(inProject('prisma/schema.prisma'), SCHEMA.replace('name String', 'name String\n  size Int?'));
    expect(await run(['scripts/new-migration.mjs', 'Add Size!'])).toMatchObject({ status: 0 });
    expect(await migration('_add_size')).toContain('ALTER TABLE "things" ADD COLUMN     "size" INTEGER;');
    expect(await migrations()).toHaveLength(2);

    expect(await run(['scripts/new-migration.mjs'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('usage: npm run migration NAME'),
    });
  });
});
