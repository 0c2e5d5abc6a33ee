/**
 * The processes of one server, whatever they fork: in a control group (v2) of their own where that can be made, so that the
 * CPU of sessions that have ended is counted too; else the tree below those that were started here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, processTree } from './process-figures.ts';

const GRACE_MS = 15_000;
const PREFIX = 'cloudroid-bench-';
let made = 0;

const hierarchy = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((folder) =>
  existsSync(join(folder, 'cgroup.controllers')),
);

function pidsIn(group: string): number[] {
  return (readFileSync(join(group, 'cgroup.procs'), 'utf8').match(/\d+/g) ?? []).map(Number);
}

async function within(limitMs: number, condition: () => boolean): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) return false;
    await sleep(20);
  }
  return true;
}

function endByPid(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** Groups of a benchmark that was killed: its number is in the name, and no such process is there any more. */
export async function removeDeadGroups(): Promise<void> {
  if (hierarchy === undefined) return;
  for (const name of readdirSync(hierarchy)) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    const folder = join(hierarchy, name);
    for (const pid of pidsIn(folder)) endByPid(pid, 'SIGKILL');
    await within(3000, () => pidsIn(folder).length === 0);
    rmdirSync(folder);
  }
}

export class ProcessGroup {
  readonly name: string;
  readonly #folder: string | null = null;
  readonly #children: ChildProcess[] = [];
  #stopping = false;

  constructor(name: string) {
    this.name = name;
    if (hierarchy === undefined || process.getuid?.() !== 0) return;
    made += 1;
    const folder = join(hierarchy, `${PREFIX}${process.pid}-${made}`);
    try {
      mkdirSync(folder);
      this.#folder = folder;
    } catch {
      // Read-only in many containers: the process tree must do.
    }
  }

  /** `detached`: Ctrl-C in the terminal is for us, who end it in order. */
  spawn(command: readonly string[], environment: { readonly [name: string]: string } = {}): ChildProcess {
    const enter =
      this.#folder === null ? [] : ['sh', '-c', 'echo $$ > "$0/cgroup.procs"; exec "$@"', this.#folder];
    const [program = '', ...args] = [...enter, ...command];
    const child = spawn(program, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...environment },
      detached: true,
    });
    const last: string[] = [];
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      last.push(text);
      if (last.length > 20) last.shift();
    });
    child.on('exit', (status) => {
      if (status !== 0 && status !== null && !this.#stopping)
        console.error(`${this.name}: status ${status}\n${last.join('')}`);
    });
    child.on('error', (error) => console.error(`${this.name}: ${error.message}`));
    this.#children.push(child);
    return child;
  }

  pids(): number[] {
    if (this.#folder !== null) return pidsIn(this.#folder);
    return this.#children.flatMap(({ pid, exitCode }) =>
      pid === undefined || exitCode !== null ? [] : processTree(pid),
    );
  }

  /** User and system seconds of all processes so far. */
  cpuSeconds(): number {
    if (this.#folder === null) return cpuSeconds(this.pids());
    const text = readFileSync(join(this.#folder, 'cpu.stat'), 'utf8');
    return Number(/^usage_usec (\d+)/m.exec(text)?.[1]) / 1e6;
  }

  /** Ends what runs: those started here as a service manager would, then what they left behind, at last by force. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const children = this.#children.filter((child) => child.exitCode === null && child.signalCode === null);
    for (const child of children) child.kill('SIGTERM');
    const gone = () => children.every((child) => child.exitCode !== null || child.signalCode !== null);
    await within(GRACE_MS, gone);
    if (!gone()) for (const child of children) child.kill('SIGKILL');
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      for (const pid of this.pids()) endByPid(pid, signal);
      if (await within(3000, () => this.pids().length === 0)) break;
    }
    this.#children.splice(0);
    this.#stopping = false;
  }

  async close(): Promise<void> {
    await this.stop();
    if (this.#folder === null) return;
    rmdirSync(this.#folder);
  }
}
