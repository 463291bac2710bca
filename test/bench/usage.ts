import { readdirSync, readFileSync } from 'node:fs';

export interface Usage {
  cpuSeconds: number;
  rssMiB: number;
}

const TICKS_PER_SECOND = 100;

/** What some processes and all their descendants have used so far. Null where there is no /proc. */
export function usageOf(roots: readonly number[]): Usage | null {
  const processes = readProcesses();
  if (!processes) return null;
  const usage: Usage = { cpuSeconds: 0, rssMiB: 0 };
  const counted = new Set<number>();
  const waiting = [...roots];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    const one = processes.get(pid);
    if (!one || counted.has(pid)) continue;
    counted.add(pid);
    usage.cpuSeconds += one.cpuSeconds;
    usage.rssMiB += one.privateMiB;
    for (const [child, { parent }] of processes) if (parent === pid) waiting.push(child);
  }
  return usage;
}

function readProcesses() {
  const processes = new Map<number, { parent: number; cpuSeconds: number; privateMiB: number }>();
  try {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const fields = stat
          .slice(stat.lastIndexOf(')') + 2)
          .split(' ')
          .map(Number);
        const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + (fields[i] ?? 0), 0);
        const kib = Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1] ?? 0);
        processes.set(Number(name), {
          parent: fields[1] ?? 0,
          cpuSeconds: ticks / TICKS_PER_SECOND,
          privateMiB: kib / 1024,
        });
      } catch {
        // It has ended since.
      }
    }
  } catch {
    return null;
  }
  return processes;
}
