/**
 * The power goes while a store is at work: ext4 on a loop device loses everything that was not flushed. What was
 * acknowledged must be there, whole; a step under way has happened or not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import type { StoreDirs } from '../storage/check-store.ts';
import { type Acknowledged, assertKept } from '../storage/kept-steps.ts';
import { tempDirs } from '../storage/opened-store.ts';
import { LoopDisk } from './loop-disk.ts';

const PROGRAM = fileURLToPath(new URL('../storage/write-until-cut.ts', import.meta.url));

/** Lets a process write until so many steps are acknowledged, then cuts the power and kills it. */
async function cutAfter(
  t: ExecutionContext,
  disk: LoopDisk,
  { filesDir, stateDir }: StoreDirs,
  wanted: { readonly hands: number; readonly steps: number; readonly only?: number },
): Promise<Acknowledged> {
  const args = [filesDir, stateDir, wanted.hands, wanted.only ?? ''].map(String).filter((arg) => arg !== '');
  const child: ChildProcess = spawn(process.execPath, ['--no-warnings', PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const acknowledged = new Map<number, number>();
  let steps = 0;
  if (child.stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const [hand = 0, number = 0] = line.split(' ').map(Number);
    acknowledged.set(hand, number);
    steps += 1;
    if (steps !== wanted.steps) continue;
    disk.cutPower();
    // Steps acknowledged between the cut and this are still read: the disk would have refused them.
    child.kill('SIGKILL');
  }
  await ended;
  // After the cut it complains, before that it must not.
  t.true(steps >= wanted.steps, `only ${steps} steps before its end: ${complaints}`);
  await disk.mountAgain();
  return acknowledged;
}

const PLACES = {
  'on one disk': (disk: LoopDisk, _t: ExecutionContext) => join(disk.folder, 'state'),
  'and the catalog on another disk': (_disk: LoopDisk, t: ExecutionContext) => tempDirs(t).stateDir,
} as const;

for (const [place, stateOn] of Object.entries(PLACES)) {
  test.serial(`the power goes under load, ${place}: what was acknowledged is there, whole`, async (t) => {
    const disk = LoopDisk.make(t);
    if (disk === null) return;
    const dirs = { filesDir: join(disk.folder, 'files'), stateDir: stateOn(disk, t) };
    // A store that lives through several cuts; each run repeats the steps of the last, whose answers are remembered.
    const acknowledged = new Map<number, number>();
    let steps = 0;
    for (let cut = 1; cut <= 3; cut += 1) {
      steps += 20 + Math.floor(Math.random() * 150);
      for (const [hand, last] of await cutAfter(t, disk, dirs, { hands: 4, steps })) {
        acknowledged.set(hand, Math.max(last, acknowledged.get(hand) ?? 0));
      }
      await assertKept(t, dirs, acknowledged);
    }
  });

  for (const only of [2, 4, 5, 6, 7, 8]) {
    test.serial(
      `the power goes after step ${only} of a lone hand, ${place}: every step is there`,
      async (t) => {
        const disk = LoopDisk.make(t);
        if (disk === null) return;
        const dirs = { filesDir: join(disk.folder, 'files'), stateDir: stateOn(disk, t) };
        await assertKept(t, dirs, await cutAfter(t, disk, dirs, { hands: 1, steps: only, only }));
      },
    );
  }
}
