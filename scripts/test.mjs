// npm test [-- what vitest takes]: installs and builds what is missing or out of date, runs the tests, and closes with
// the line `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { main } from './lib/progress.mjs';
import { ensureBuilt, ensureInstalled, packageProgram, root } from './lib/project.mjs';

await main(async () => {
  await ensureInstalled();
  // Some tests run the built server, as a user would.
  await ensureBuilt();
});

const folder = mkdtempSync(path.join(os.tmpdir(), 'posthaste-results-'));
const resultsFile = path.join(folder, 'results.json');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultsFile}`];
const vitest = spawn(
  process.execPath,
  [packageProgram('vitest/vitest.mjs'), 'run', ...reporters, ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
// Ctrl-C reaches vitest too, which stops its servers; its end is waited for.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => vitest.kill('SIGTERM'));
const status = await new Promise((resolve) => vitest.once('close', (code) => resolve(code ?? 1)));

const { passed, failed } = readResults();
rmSync(folder, { recursive: true, force: true });
// A file that does not load, or an error outside a test, fails the run without failing a test.
const failures = status === 0 ? failed : Math.max(failed, 1);
if (passed + failures === 0) console.error('No test ran.');
process.exitCode = failures > 0 || passed === 0 ? 1 : 0;
console.log(`${passed} passed, ${failures} failed`);

function readResults() {
  try {
    const results = JSON.parse(readFileSync(resultsFile, 'utf8'));
    return { passed: results.numPassedTests, failed: results.numFailedTests };
  } catch {
    return { passed: 0, failed: 0 };
  }
}
