import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const documents = new URL('./documents/', import.meta.url);
const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

export interface SnippetServer {
  url: string;
  /** What it printed so far, standard output and error together. */
  output(): string;
  stop(): Promise<void>;
}

/** The code of a guide as it stands in its file; `fill` puts values where the guide prints a placeholder. */
export function snippet(file: string, fill: Record<string, string> = {}): string {
  let source = readFileSync(new URL(file, documents), 'utf8');
  for (const [placeholder, value] of Object.entries(fill)) {
    if (source.split(placeholder).length !== 2) throw new Error(`${placeholder} must stand once in ${file}`);
    source = source.replace(placeholder, () => value);
  }
  return source;
}

/** Evaluates a guide's CommonJS code and gives the function it declares. */
export function declaredFunction<T>(source: string, name: string): T {
  const evaluate = new Function('require', `${source}\nreturn ${name};`) as (require: NodeJS.Require) => T;
  return evaluate(createRequire(import.meta.url));
}

/**
 * Runs a guide's Express server in a process of its own. The guide fixes the port: a preloaded module gives it a free one instead,
 * so that the code itself stays as it was printed.
 */
export async function startNodeServer(source: string): Promise<SnippetServer> {
  const anyPort = fileURLToPath(new URL('./listen-on-any-port.cjs', import.meta.url));
  const child = spawn(process.execPath, ['--require', anyPort, '--input-type=commonjs', '--eval', source], {
    cwd: projectRoot,
    // Express keeps its errors to itself when NODE_ENV is test.
    env: { ...process.env, NODE_ENV: 'development' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  return running(child, (announce) => child.once('message', (port) => announce(Number(port))));
}

/** Runs a guide's Flask server; the port it prints must have been filled with 0. */
export async function startPythonServer(source: string): Promise<SnippetServer> {
  const child = spawn('python3', ['-u', '-c', source], { cwd: projectRoot, stdio: ['ignore', 'pipe', 'pipe'] });
  return running(child, (announce, output) => {
    child.stderr?.on('data', () => {
      const port = /Running on http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1];
      if (port) announce(Number(port));
    });
  });
}

async function running(
  child: ChildProcess,
  listenForPort: (announce: (port: number) => void, output: () => string) => void,
): Promise<SnippetServer> {
  let printed = '';
  const output = () => printed;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      printed += text;
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      printed += error.message;
      resolve();
    });
    child.once('close', () => resolve());
  });
  const port = await Promise.race([
    new Promise<number>((resolve) => listenForPort(resolve, output)),
    ended.then(() => Promise.reject(new Error(`the snippet ended before it listened:\n${printed}`))),
  ]);
  return {
    url: `http://127.0.0.1:${port}`,
    output,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
