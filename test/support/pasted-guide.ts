import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../src/database/postgres-cluster.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { eventually } from './eventually.js';
import { PROCESS_API_KEY, type ServerProcess, startServer } from './server-process.js';

interface Step {
  title: string;
  commands: string;
  /** What the guide shows as the answer. */
  shown?: { kind: 'json' | 'text'; content: string };
}

/** Pastes the commands of a guide, in order, into one shell beside a real server; each answer is as the guide shows it. */
export async function testGuide(file: string): Promise<void> {
  const steps = readSteps(await readFile(file, 'utf8'));
  let database: TestDatabase;
  let server: ServerProcess;
  let shell: PastingShell;
  let folder: string;
  let receiverPort: number;
  /** Where nothing listens. */
  let silentPort: number;

  beforeAll(async () => {
    database = await createTestDatabase();
    [server, receiverPort, silentPort, folder] = await Promise.all([
      startServer({ DATABASE_URL: database.url }),
      freePort(),
      freePort(),
      mkdtemp(path.join(os.tmpdir(), 'posthaste-guide-')),
    ]);
    // The receiver of the guide, where it finds its library; its log stays out of the project.
    await cp('examples', path.join(folder, 'examples'), { recursive: true });
    await symlink(path.resolve('node_modules'), path.join(folder, 'node_modules'), 'dir');
    shell = new PastingShell(folder, { PORT: String(receiverPort) });
  });
  afterAll(async () => {
    shell.end();
    await server.kill();
    await Promise.all([database.drop(), rm(folder, { recursive: true, force: true })]);
  });

  const fill = (text: string) => text.replaceAll('127.0.0.1:9000', `127.0.0.1:${receiverPort}`);

  it.each(steps.map((step, i) => ({ ...step, number: i + 1 })))(
    '$number: $title',
    { timeout: 180_000 },
    async ({ commands, shown }) => {
      const pasted = commands
        .replaceAll('http://localhost:8001', server.url)
        .replaceAll('phk_...', PROCESS_API_KEY)
        .replaceAll('127.0.0.1:9000', `127.0.0.1:${receiverPort}`)
        .replaceAll('127.0.0.1:9999', `127.0.0.1:${silentPort}`);
      // Reading may be repeated until what was begun has happened; anything else is done once, as a reader would.
      const reads = !/ -[dX] |api (POST|PATCH|DELETE)|&\s*$|\$\(/.test(pasted);
      const run = async () => {
        const { status, output } = await shell.paste(pasted);
        expect(status, output).toBe(0);
        if (shown?.kind === 'json')
          expect(JSON.parse(output)).toMatchObject(expected(JSON.parse(fill(shown.content))) as object);
        else if (shown) expect(output.trim()).toMatch(pattern(fill(shown.content).trim()));
        else expect(output).not.toContain('"requestId"');
      };
      await (reads ? eventually(run, 60_000) : run());
      if (pasted.includes('receiver.mjs')) await eventually(() => connects(receiverPort), 30_000);
    },
  );
}

/** The blocks of commands in order, each with the answer that is shown behind it. */
function readSteps(guide: string): Step[] {
  const found: Step[] = [];
  let title = '';
  for (const [whole, heading, kind, content] of guide.matchAll(/^#+ (.*)$|^```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (heading !== undefined && whole.startsWith('#')) title = heading;
    else if (kind === 'sh') found.push({ title, commands: content as string });
    else if (kind === 'json' || kind === 'text') (found.at(-1) as Step).shown = { kind, content: content as string };
  }
  return found;
}

/** What is shown, with `…` for anything. */
function expected(shown: unknown): unknown {
  if (Array.isArray(shown)) return shown.map(expected);
  if (typeof shown === 'object' && shown !== null)
    return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, expected(value)]));
  return typeof shown === 'string' && shown.includes('…') ? expect.stringMatching(pattern(shown)) : shown;
}

function pattern(text: string): RegExp {
  const literal = (part: string) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${text.split('…').map(literal).join('[\\s\\S]+')}$`);
}

function connects(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() && undefined));
    socket.once('error', reject);
  });
}

/** One bash for the whole guide: what one block sets, the next one uses. */
class PastingShell {
  private readonly bash: ChildProcess;
  private output = '';
  private blocks = 0;

  constructor(cwd: string, env: Record<string, string>) {
    const { PATH, HOME } = process.env;
    this.bash = spawn('bash', [], {
      cwd,
      env: { PATH, HOME, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.bash.stdout?.on('data', (chunk) => (this.output += chunk));
    this.bash.stderr?.on('data', (chunk) => (this.output += chunk));
  }

  async paste(commands: string): Promise<{ status: number; output: string }> {
    const mark = `the end of block ${++this.blocks}:`;
    this.output = '';
    this.bash.stdin?.write(`${commands}\nprintf '\\n${mark} %s\\n' "$?"\n`);
    const [, output, status] = await eventually(() => {
      const found = new RegExp(`^([\\s\\S]*)\\n${mark} (\\d+)\\n`).exec(this.output);
      expect(found, this.output).not.toBeNull();
      return found as RegExpExecArray;
    }, 60_000);
    return { status: Number(status), output: output as string };
  }

  end(): void {
    if (this.bash.pid) process.kill(-this.bash.pid, 'SIGKILL');
  }
}
