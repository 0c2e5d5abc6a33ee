import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openStore } from '../../src/storage/store.ts';
import { mounted } from './mounted.ts';
import { change, put, storeOptions, tempDirs } from './opened-store.ts';

const MEBIBYTE = 1024 * 1024;

test('a store on a volume that is full to the last byte opens, deletes, and is no restored backup afterwards', async (t) => {
  const filesDir = mounted(t, 'tmpfs', 3 * MEBIBYTE);
  if (filesDir === undefined) return;
  const dirs = { filesDir, stateDir: tempDirs(t).stateDir };
  const open = () => openStore(storeOptions(dirs, { reserveBytes: 0 }));
  let store = await open();
  await put(store, '/f', 'x'.repeat(30_000));
  await store.close();
  const stuffing = join(filesDir, '.cloudroid', 'stuffing');
  const file = openSync(stuffing, 'w');
  const rest = () => {
    for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size));
      } catch {
        // full for this size
      }
    }
  };
  rest();
  closeSync(file);
  for (let start = 0; start < 2; start += 1) {
    store = await open();
    t.is(store.hello().readOnly, null);
    t.is(store.disk.distrust(), null);
    await store.close();
  }
  store = await open();
  await change(store, { op: 'delete', path: '/f' });
  await store.close();
  rmSync(stuffing);
  for (let start = 0; start < 2; start += 1) {
    store = await open();
    t.is(store.disk.distrust(), null);
    t.deepEqual([...store.list('/')], []);
    await store.close();
  }
});
