import './node-version.mjs';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runQuietly, step } from './progress.mjs';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const inRoot = (...names) => path.join(root, ...names);
const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** Runs a Node program that a package brings, without npx: that costs half a second and needs a shell. */
export function packageProgram(file) {
  return inRoot('node_modules', file);
}

/** Installs what package-lock.json asks for, unless it is there. */
export async function ensureInstalled() {
  if (isInstalled()) return;
  // The npm that runs us, when one does; a plain `npm` is a .cmd file on Windows, which only a shell can run.
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  await step('Installing packages (once; about a minute)', () =>
    npm
      ? runQuietly(process.execPath, [npm, ...args], { cwd: root })
      : runQuietly('npm', args, { cwd: root, shell: process.platform === 'win32' }),
  );
}

function isInstalled() {
  const installedFile = inRoot('node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return false;
  const installed = readJson(installedFile).packages;
  return Object.entries(readJson(inRoot('package-lock.json')).packages)
    .filter(
      ([location, wanted]) =>
        location.includes('node_modules/') && !wanted.optional && !wanted.devOptional && !wanted.link,
    )
    .every(([location, wanted]) => installed[location]?.version === wanted.version);
}

/** Generates the Prisma client when the schema or Prisma changed. */
export async function ensureGenerated({ always = false } = {}) {
  const inputs = fingerprint(['prisma/schema.prisma', 'prisma.config.ts', 'package-lock.json']);
  const stamp = inRoot('src/generated/.inputs');
  if (!always && readStamp(stamp) === inputs && existsSync(inRoot('src/generated/prisma/client.ts'))) return;
  await step('Generating the database client', () =>
    runQuietly(process.execPath, [packageProgram('prisma/build/index.js'), 'generate'], {
      cwd: root,
      // Generating needs no schema engine, but the CLI downloads one unless this names some file that exists.
      env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, PRISMA_HIDE_UPDATE_MESSAGE: '1' },
    }),
  );
  writeFileSync(stamp, inputs);
}

/** Builds the server when anything it is built from changed: its modules into build/, and of them one script in dist/. */
export async function ensureBuilt({ always = false } = {}) {
  await ensureGenerated({ always });
  const inputs = fingerprint([
    'src',
    'tsconfig.json',
    'tsconfig.build.json',
    'nest-cli.json',
    'scripts/bundle.mjs',
    'scripts/lib/launcher.mjs',
    'package.json',
    'package-lock.json',
  ]);
  const stamp = inRoot('dist/.inputs');
  if (!always && readStamp(stamp) === inputs && existsSync(inRoot('build'))) return;
  await step('Building', async () => {
    await runQuietly(process.execPath, [packageProgram('@nestjs/cli/bin/nest.js'), 'build'], { cwd: root });
    await runQuietly(process.execPath, ['scripts/bundle.mjs'], { cwd: root });
  });
  writeFileSync(stamp, inputs);
}

const readStamp = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : null);

/** One hash over the content of files and folders: a checkout that changes times but no content builds nothing. */
function fingerprint(names) {
  const hash = createHash('sha256').update(process.versions.node);
  for (const name of names) {
    for (const file of filesIn(name)) hash.update(`\0${file}\0`).update(readFileSync(inRoot(file)));
  }
  return hash.digest('hex');
}

function filesIn(name) {
  const entry = readdirSync(path.dirname(inRoot(name)), { withFileTypes: true }).find(
    (one) => one.name === path.basename(name),
  );
  if (!entry?.isDirectory()) return entry ? [name] : [];
  return readdirSync(inRoot(name), { withFileTypes: true, recursive: true })
    .filter((one) => one.isFile() && !one.name.startsWith('.') && !one.name.endsWith('.spec.ts'))
    .map((one) => path.relative(root, path.join(one.parentPath ?? one.path, one.name)))
    .sort();
}
