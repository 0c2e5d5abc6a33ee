/** CPU and memory of running processes, from /proc (proc(5)). */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  readonly cpuSeconds: number;
}

function stat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name may hold spaces and parentheses: fields start after the last one.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0);
    return { parent: Number(fields[1]), cpuSeconds: ticks / TICKS_PER_SECOND };
  } catch {
    return null; // It has ended meanwhile.
  }
}

/** The process and all its descendants. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const parent = stat(pid)?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree: number[] = [];
  const queue = [root];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    tree.push(pid);
    queue.push(...(children.get(pid) ?? []));
  }
  return tree;
}

/** User and system seconds used so far, children that ended included. */
export function cpuSeconds(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (stat(pid)?.cpuSeconds ?? 0), 0);
}

/** What a process calls itself in its command line; ours say `cloudroid-proxy`. */
function nameOf(pid: number): string {
  const [first = ''] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  return (first.split(' ')[0] ?? '').split('/').at(-1) || String(pid);
}

/** From here on `peaksByName` tells the most since now (proc(5), clear_refs). */
export function forgetPeaks(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch {
      // It has ended, or this kernel cannot: then the peak is that of its whole life.
    }
  }
}

/** The largest resident set (VmHWM) of the processes of each name, in MB of a million bytes. */
export function peaksByName(pids: readonly number[]): { [name: string]: number } {
  const peaks: { [name: string]: number } = {};
  for (const pid of pids) {
    try {
      const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
      const name = nameOf(pid);
      peaks[name] = Math.max(peaks[name] ?? 0, (Number(line?.[1] ?? 0) * 1024) / 1e6);
    } catch {
      // It has ended meanwhile.
    }
  }
  return peaks;
}

/** Memory of all of them together; pages that several share are counted once (Pss). In MB. */
export function sharedOutMegabytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
      return sum + (Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024) / 1e6;
    } catch {
      return sum;
    }
  }, 0);
}
