/** Power cuts without root: at every failpoint of a commit, and after acknowledged steps, what no fsync covered is taken back. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { COMMIT_FAILPOINTS, openStore } from '../../src/storage/store.ts';
import { assertKept } from './kept-steps.ts';
import { storeOptions, tempDirs } from './opened-store.ts';

const PROGRAM = fileURLToPath(new URL('./write-until-forgotten.ts', import.meta.url));

async function forgets(
  t: ExecutionContext,
  { hands, steps, failpoint = '' }: { hands: number; steps: number; failpoint?: string },
): Promise<void> {
  const dirs = tempDirs(t);
  mkdirSync(join(dirs.root, 'attic'));
  await (await openStore(storeOptions(dirs, { reserveBytes: 0 }))).close();
  const child = spawn(process.execPath, ['--no-warnings', PROGRAM, dirs.root, String(hands), String(steps)], {
    env: { ...process.env, CLOUDROID_FAILPOINT: failpoint },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const signal = await new Promise((resolve) => child.once('close', (_code, ended) => resolve(ended)));
  t.is(signal, 'SIGKILL');
  const acknowledged = new Map<number, number>();
  for (const line of output.trimEnd().split('\n')) {
    const [hand = 0, number = 0] = line.split(' ').map(Number);
    acknowledged.set(hand, number);
  }
  t.true(output.length > 0, 'something was acknowledged');
  await assertKept(t, dirs, acknowledged);
}

for (const failpoint of COMMIT_FAILPOINTS) {
  test.serial(
    `at ${failpoint} a disk forgets what was not flushed: what was acknowledged is there`,
    async (t) => {
      await forgets(t, { hands: 2, steps: 100, failpoint: `${failpoint}:12` });
    },
  );
}

for (const pass of [3, 6, 9, 12, 15, 18, 21, 24]) {
  test.serial(
    `when ${pass} directories were flushed a disk forgets the others: what was acknowledged is there`,
    async (t) => {
      await forgets(t, { hands: 2, steps: 100, failpoint: `disk:directory-flushed:${pass}` });
    },
  );
}

for (const steps of [1, 2, 4, 5, 6, 7, 8, 9]) {
  test.serial(
    `after ${steps} acknowledged steps a disk forgets what was not flushed: all are there`,
    async (t) => {
      await forgets(t, { hands: 1, steps });
    },
  );
}
