/**
 * The power goes while a store is at work: ext4 on a loop device loses everything that was not flushed. What was
 * acknowledged must be there, whole; a step under way has happened or not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { checkStore, type StoreDirs } from '../storage/check-store.ts';
import { readThrough, storeOptions, tempDirs } from '../storage/opened-store.ts';
import { type Step, stepOf } from '../storage/write-until-cut.ts';
import { LoopDisk } from './loop-disk.ts';

const PROGRAM = fileURLToPath(new URL('../storage/write-until-cut.ts', import.meta.url));

/** Last acknowledged step by hand. */
type Acknowledged = ReadonlyMap<number, number>;

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

/** What users must find at each path after these steps of a hand: content, '' for a directory, null for nothing. */
function after(hand: number, count: number): Map<string, string | null> {
  const expected = new Map<string, string | null>();
  for (let number = 0; number < count; number += 1) {
    const step: Step = stepOf(hand, number);
    if (step.do === 'put') expected.set(step.path, step.content);
    else if (step.do === 'mkdir') expected.set(step.path, '');
    else if (step.do !== 'touch') {
      if (step.do === 'rename') expected.set(step.to, expected.get(step.path) ?? null);
      expected.set(step.path, null);
    }
  }
  return expected;
}

async function seen(store: Store, { filesDir }: StoreDirs, path: string): Promise<string | null> {
  const { entry } = store.record(path);
  if (entry === undefined || entry === null) return existsSync(filesDir + path) ? 'on disk only' : null;
  if (entry.kind !== 'file') return existsSync(filesDir + path) ? '' : 'not on disk';
  const content = await readThrough(store, path).catch((error: unknown) => String(error));
  const onDisk = existsSync(filesDir + path) ? readFileSync(filesDir + path, 'utf8') : 'not on disk';
  return content === onDisk ? content : `read: ${content.slice(0, 80)}; on disk: ${onDisk.slice(0, 80)}`;
}

async function assertKept(t: ExecutionContext, dirs: StoreDirs, acknowledged: Acknowledged): Promise<void> {
  const store = await openStore(storeOptions(dirs, { reserveBytes: 0 }));
  const lost: string[] = [];
  try {
    t.is(store.hello().readOnly, null);
    for (const [hand, last] of acknowledged) {
      const least = after(hand, last + 1);
      // The step after it was under way; the writer cannot have come further.
      const most = after(hand, last + 2);
      for (const path of most.keys()) {
        const found = await seen(store, dirs, path);
        if (found === (least.get(path) ?? null) || found === most.get(path)) continue;
        lost.push(
          `${path}, step ${last} acknowledged: ${JSON.stringify(found?.slice(0, 120) ?? 'nothing there')}`,
        );
      }
    }
  } finally {
    await store.close();
  }
  t.deepEqual(lost, []);
  t.deepEqual(checkStore(dirs), []);
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
