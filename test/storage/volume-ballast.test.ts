/** What was decided on a volume that is full to its last block. Needs root and loop mounts. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store, StoreOptions } from '../../src/storage/store-api.ts';
import { checkStore, type StoreDirs } from './check-store.ts';
import { MEBIBYTE, mounted } from './mounted.ts';
import { change, foreignRecord, put, storeOptions, tempDirs } from './opened-store.ts';

function stuff(filesDir: string): void {
  const file = openSync(join(filesDir, '.cloudroid/stuffing'), 'w');
  for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) {
        writeSync(file, Buffer.alloc(size, 'x'));
        fsyncSync(file);
      }
    } catch {
      // full for this size
    }
  }
  closeSync(file);
}

async function small(
  t: ExecutionContext,
): Promise<{ dirs: StoreDirs; options: StoreOptions; store: Store } | undefined> {
  const filesDir = mounted(t, 'ext4', 4 * MEBIBYTE);
  if (filesDir === undefined) return undefined;
  const dirs = { filesDir, stateDir: tempDirs(t).stateDir };
  const options = storeOptions(dirs, { reserveBytes: 0 });
  const store = await openStore(options);
  await put(store, '/f', 'x'.repeat(30_000));
  await put(store, '/g', 'y');
  return { dirs, options, store };
}

/** Nothing new is taken until there is room again; deletions are. */
async function onlyDeletions(t: ExecutionContext, store: Store, filesDir: string): Promise<void> {
  const records = [{ record: foreignRecord('/merged', null, { kind: 'directory' }), base: null }];
  for (const attempt of [
    change(store, { op: 'mkdir', path: '/another' }),
    change(store, { op: 'rename', from: '/f', to: '/h' }),
    put(store, '/i', ''),
    store.merge({ mode: 'push', records }),
  ]) {
    t.is((await t.throwsAsync(attempt, { instanceOf: Refusal })).kind, 'no-space');
  }
  await change(store, { op: 'delete', path: '/g' });
  rmSync(join(filesDir, '.cloudroid/stuffing'));
  await change(store, { op: 'mkdir', path: '/another' });
  t.true(existsSync(join(filesDir, '.cloudroid/ballast')), 'it is made again');
}

test.serial('a folder decided on a full volume is made in the room of the ballast', async (t) => {
  const found = await small(t);
  if (found === undefined) return;
  const { dirs, store } = found;
  stuff(dirs.filesDir);
  await change(store, { op: 'mkdir', path: '/new' });
  t.true(existsSync(join(dirs.filesDir, 'new')));
  t.false(existsSync(join(dirs.filesDir, '.cloudroid/ballast')), 'that is what it was for');
  await onlyDeletions(t, store, dirs.filesDir);
  await store.close();
  t.deepEqual(checkStore(dirs), []);
});

test.serial('a start on a full volume finishes what was decided, and takes deletions', async (t) => {
  const found = await small(t);
  if (found === undefined) return;
  const { dirs, options, store } = found;
  await store.close();
  const catalog = new DatabaseSync(join(dirs.stateDir, 'catalog.sqlite'));
  catalog.exec(
    "INSERT INTO intents (action, place, staged, ino, mtime) VALUES ('mkdir', '/new', '', NULL, 0)",
  );
  catalog.close();
  stuff(dirs.filesDir);
  const again = await openStore(options);
  t.is(again.hello().readOnly, null);
  t.true(existsSync(join(dirs.filesDir, 'new')));
  await onlyDeletions(t, again, dirs.filesDir);
  await again.close();
  t.deepEqual(checkStore(dirs, { ignore: ['/new'] }), []);
});
