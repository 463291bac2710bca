import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** A step did not work; everything a person needs to know has been printed. */
export class StepFailed extends Error {}

/** Says how long `work` took, and meanwhile that it is under way: a spinner on a terminal, a line elsewhere if it lasts. */
export async function step(title, work) {
  const since = performance.now();
  const terminal = process.stderr.isTTY;
  let frame = 0;
  const draw = () => process.stderr.write(`\r\x1b[K${FRAMES[frame++ % FRAMES.length]} ${title}  ${seconds(since)}`);
  const timer = terminal ? setInterval(draw, 100) : setTimeout(() => process.stderr.write(`… ${title}\n`), 2000);
  const close = (mark) => {
    clearInterval(timer);
    process.stderr.write(`${terminal ? '\r\x1b[K' : ''}${mark} ${title}  ${seconds(since)}\n`);
  };
  try {
    const result = await work();
    close('✓');
    return result;
  } catch (error) {
    close('✗');
    throw error;
  }
}

/**
 * Runs a program without showing what it prints. When it fails, the end of that is shown, and where all of it is.
 * @returns what it printed
 */
export async function runQuietly(command, args, options = {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'posthaste-log-'));
  const logFile = path.join(folder, `${path.basename(args[0] ?? command, '.js')}.log`);
  const log = createWriteStream(logFile);
  await new Promise((resolve) => log.once('open', resolve));
  const failure = await new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', log, log] });
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) =>
      resolve(status === 0 ? null : `ended with ${signal ?? `status ${status}`}`),
    );
  });
  log.close();
  const output = readFileSync(logFile, 'utf8');
  if (failure === null) {
    rmSync(folder, { recursive: true, force: true });
    return output;
  }
  throw new StepFailed(
    `${lastLines(output, 30)}\n${[command, ...args].join(' ')}\n${failure}; everything it said: ${logFile}`,
  );
}

const lastLines = (text, count) => text.trimEnd().split('\n').slice(-count).join('\n');

/** Runs a script's main function; a failure is shown in words and ends the process with status 1. */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof StepFailed ? error.message : error);
    process.exit(1);
  }
}
