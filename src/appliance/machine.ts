/** The one door through which setup changes the running system; everything else that it does is files. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Ran {
  readonly ok: boolean;
  /** What it wrote, both streams, cut off. */
  readonly output: string;
}

export interface Machine {
  /** Never rejects: a program that is missing or takes longer is not ok. */
  run(program: string, args: readonly string[], timeoutMs?: number): Promise<Ran>;
  /** For what takes a while to appear, such as a disk that has to spin up. */
  pause(ms: number): Promise<void>;
}

const TIMEOUT_MS = 30_000;
const MAX_OUTPUT = 4096;

export const realMachine: Machine = {
  run: async (program, args, timeoutMs = TIMEOUT_MS) =>
    await new Promise((resolve) => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
      let output = '';
      const take = (bytes: Buffer): void => {
        output = (output + bytes.toString('utf8')).slice(0, MAX_OUTPUT);
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.on('error', (error) => resolve({ ok: false, output: error.message }));
      child.on('close', (status) => resolve({ ok: status === 0, output: output.trim() }));
    }),
  pause: async (ms) => {
    await sleep(ms);
  },
};

/** For a tree that does not run (`--root`): files are written, and nothing is told to the system. */
export const stillMachine: Machine = {
  run: async () => ({ ok: true, output: '' }),
  pause: async () => undefined,
};
