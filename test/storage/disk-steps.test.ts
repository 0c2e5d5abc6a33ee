/** When the steps of committed transactions may be forgotten: not before they are durable, and before others touch their places. */
import { existsSync, linkSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { StoredIntent } from '../../src/storage/catalog/catalog-ledger.ts';
import { ClaimedNames } from '../../src/storage/disk/claimed-names.ts';
import { Volume } from '../../src/storage/disk/volume.ts';
import { DiskSteps, type DiskStepsOptions } from '../../src/storage/disk-steps.ts';
import type { Group } from '../../src/storage/group.ts';
import { tempDirs } from './opened-store.ts';

const madeFolder = (id: number, place: string): StoredIntent => ({ id, intent: { action: 'mkdir', place } });

/** On a real volume; the catalog only notes what is cleared. */
function stepsOn(t: ExecutionContext) {
  const { filesDir } = tempDirs(t);
  const volume = new Volume(filesDir, () => undefined);
  mkdirSync(volume.stagingDir, { recursive: true });
  volume.remember();
  const cleared: number[] = [];
  const failures: unknown[] = [];
  const options = {
    catalog: { ledger: { clearIntents: (upTo: number) => cleared.push(upTo) } },
    volume,
    staging: {},
    trash: {},
    failed: (error: unknown) => failures.push(error),
  } as unknown as DiskStepsOptions;
  const group = (...intents: readonly StoredIntent[]) =>
    ({ intents, usedStaged: new Set() }) as unknown as Group;
  return { steps: new DiskSteps(options), filesDir, cleared, failures, group };
}

test('what was flushed while a transaction was under way is cleared by it, before its own steps are decided', async (t) => {
  const { steps, cleared, group } = stepsOn(t);
  steps.clearDone();
  t.is(steps.carryOut(group(madeFolder(1, '/x'))), null);
  t.deepEqual(cleared, []);
  // The next transaction begins, has nothing to clear, and takes its time: the background flush ends during it.
  steps.clearDone();
  t.deepEqual(cleared, []);
  await sleep(400);
  await steps.settleFor(group(madeFolder(2, '/x')));
  t.deepEqual(cleared, [1], 'else the intents of both would be done again, the older over the younger');
  await steps.settleFor(group(madeFolder(1, '/z')));
  t.deepEqual(cleared, [1], 'not again: the catalog gives the numbers of what is cleared to others');
});

test('a place that is not flushed yet is flushed and cleared first', async (t) => {
  const { steps, cleared, group } = stepsOn(t);
  steps.carryOut(group(madeFolder(1, '/x'), madeFolder(2, '/y')));
  await steps.settleFor(group(madeFolder(3, '/y')));
  t.deepEqual(cleared, [2]);
});

test('a disk that was taken away is not flushed: nothing is cleared, and it counts as failed', async (t) => {
  const { steps, filesDir, cleared, failures, group } = stepsOn(t);
  steps.carryOut(group(madeFolder(1, '/x')));
  renameSync(filesDir, `${filesDir}-away`);
  mkdirSync(join(filesDir, '.cloudroid', 'staging'), { recursive: true });
  await sleep(400);
  t.is(failures.length, 1);
  t.false(steps.canClear);
  await t.throwsAsync(steps.settleFor(group(madeFolder(2, '/x'))));
  t.deepEqual(cleared, []);
});

test('of a group that the disk stopped halfway only what is still to be published stays claimed in staging', (t) => {
  const { filesDir, group } = stepsOn(t);
  const claims = new ClaimedNames();
  const volume = new Volume(filesDir, () => undefined);
  volume.remember();
  const steps = new DiskSteps({
    volume,
    staging: { claims, forget: () => undefined },
    failed: () => undefined,
    again: () => undefined,
  } as unknown as DiskStepsOptions);
  const publish = (id: number, place: string): StoredIntent => {
    writeFileSync(join(volume.stagingDir, `sha-${id}`), 'x');
    claims.claim(`sha-${id}`);
    return { id, intent: { action: 'publish', place, staged: `sha-${id}`, ino: null } };
  };
  const usedStaged = new Set(['sha-1', 'sha-2']);
  const intents = [publish(1, '/first'), publish(2, `/${'x'.repeat(300)}`)];
  t.not(steps.carryOut({ ...group(...intents), usedStaged } as unknown as Group), null);
  t.true(existsSync(join(filesDir, 'first')));
  t.false(claims.has('sha-1'), 'else the next upload of the same content is busy until a restart');
  t.true(claims.has('sha-2'));
});

for (const known of [true, false]) {
  test(`a second name of the very file that is in the place, ${known ? 'known' : 'unknown'} to the catalog, does not stay in staging`, (t) => {
    const { steps, filesDir, group } = stepsOn(t);
    const [path, staged] = [join(filesDir, 'f'), join(filesDir, '.cloudroid/staging/link-1')];
    writeFileSync(path, 'x');
    linkSync(path, staged);
    const ino = known ? String(statSync(path).ino) : null;
    t.is(
      steps.carryOut(group({ id: 1, intent: { action: 'publish', place: '/f', staged: 'link-1', ino } })),
      null,
    );
    t.false(existsSync(staged));
    t.true(existsSync(path));
  });
}
