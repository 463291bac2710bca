// npm run check: everything that can be said about the project without running it. One line per check; what a check has
// to say is shown only when it fails. All are run, whatever the earlier ones found.
import { main, runQuietly, StepFailed, step } from './lib/progress.mjs';
import { ensureGenerated, ensureInstalled, packageProgram, root } from './lib/project.mjs';

// Nothing here may ask the internet: Redocly would report its use and look for a newer version.
const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
const program = (file, ...args) => runQuietly(process.execPath, [packageProgram(file), ...args], { cwd: root, env });

// A check throws StepFailed with what is wrong and how to mend it. Generated files belong here too: generate again,
// compare, and name the command that brings them up to date.
const CHECKS = [
  ['Format and lint', () => program('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.')],
  ['Types', () => program('typescript/bin/tsc', '--noEmit')],
  ['Dependency directions', () => program('dependency-cruiser/bin/dependency-cruise.mjs', 'src')],
  ['Migrations lead to schema.prisma', migrationsAreComplete],
  ['Generated documents', () => runQuietly(process.execPath, ['scripts/generate-docs.mjs', '--check'], { cwd: root })],
  ['API description', () => program('@redocly/cli/bin/cli.js', 'lint', 'docs/openapi.json')],
];

async function migrationsAreComplete() {
  const { pendingMigration } = await import('./new-migration.mjs');
  const { sql } = await pendingMigration();
  if (sql !== '')
    throw new StepFailed(`${sql}\nschema.prisma asks for this, no migration does it: npm run migration NAME`);
}

await main(async () => {
  await ensureInstalled();
  await ensureGenerated();
  const failures = [];
  for (const [name, check] of CHECKS) {
    try {
      await step(name, check);
    } catch (error) {
      failures.push(name);
      console.error(error instanceof StepFailed ? error.message : error);
    }
  }
  if (failures.length > 0) throw new StepFailed(`Not in order: ${failures.join(', ')}`);
});
