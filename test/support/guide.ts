import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { TestApp } from './app.js';

/** Runs the commands of a page of docs/guides as they stand, pasted in order. @returns what they printed */
export async function runGuide(app: TestApp, page: string): Promise<string> {
  const guide = await readFile(new URL(`../../docs/guides/${page}`, import.meta.url), 'utf8');
  const commands = [...guide.matchAll(/```sh\n([\s\S]*?)```/g)].map((block) => block[1]).join('\n');
  const script = commands
    .replace('POSTHASTE=http://localhost:8001', `POSTHASTE=${app.url}`)
    .replace("POSTHASTE_KEY='phk_...'", `POSTHASTE_KEY='${app.apiKey}'`);
  if (!script.includes(app.apiKey)) throw new Error(`${page} does not say where the key goes`);
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { timeout: 100_000 });
  return stdout;
}
