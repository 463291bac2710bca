// npm run bench [-- sat fan …]: builds what is out of date and measures the built server, see test/bench/main.ts.
import { spawn } from 'node:child_process';
import { main } from './lib/progress.mjs';
import { ensureBuilt, ensureInstalled, root } from './lib/project.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
});
const args = ['--import', './scripts/lib/typescript.mjs', 'test/bench/main.ts', ...process.argv.slice(2)];
const bench = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
process.on('SIGINT', () => {});
bench.once('close', (code) => {
  process.exitCode = code ?? 1;
});
