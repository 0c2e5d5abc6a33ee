/** Bytes that a commit has promised stay, whoever wants to be rid of them. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as tick } from 'node:timers/promises';
import test from 'ava';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { change, operationId, put, storeOptions, tempDirs } from './opened-store.ts';

async function staged(store: Store, id: string, path: string, bytes: Buffer) {
  const writer = await store.writeStaging(id, 0);
  await writer.write(bytes);
  const { size, sha256 } = await writer.end();
  return () =>
    store.commit({
      id: operationId(),
      operation: { op: 'put', path, size, sha256 },
      content: { staged: id },
    });
}

test('a staged file that is dropped while its commit is being flushed is published all the same', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await put(store, '/a', 'v1');
  const trash = join(dirs.filesDir, '.cloudroid/trash');
  for (let round = 0; round < 20; round += 1) {
    const id = `upload-${round}-xxxxxxxx`;
    const bytes = randomBytes(100_000 + round);
    const commit = await staged(store, id, '/a', bytes);
    const before = readdirSync(trash).length;
    let over = false;
    const answer = commit().finally(() => {
      over = true;
    });
    // The old version is in the trash: the job has run, its directories are being flushed.
    while (!over && readdirSync(trash).length === before) await tick();
    if (!over) await store.dropStaging(id);
    await answer;
    t.true(readFileSync(join(dirs.filesDir, 'a')).equals(bytes));
  }
  await store.close();
  const again = await openStore(storeOptions(dirs));
  t.is(again.hello().readOnly, null);
  await again.close();
});

test('a step that the disk refuses for a moment is done later, although its upload was given up', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await change(store, { op: 'mkdir', path: '/d' });
  rmSync(join(dirs.filesDir, 'd'), { recursive: true });
  // Stands for a folder that cannot grow: the file in the way has nowhere to go.
  writeFileSync(join(dirs.filesDir, 'd'), '');
  const trash = join(dirs.filesDir, '.cloudroid/trash');
  rmdirSync(trash);
  const bytes = randomBytes(100_000);
  const commit = await staged(store, 'upload-zzzzzzzz', '/d/new', bytes);
  await t.throwsAsync(commit());
  t.regex(store.hello().readOnly ?? '', /the disk refuses a change that was decided \(\/d\/new: ENOENT/);
  await store.dropStaging('upload-zzzzzzzz');
  mkdirSync(trash);
  await put(store, '/other', 'x');
  t.true(readFileSync(join(dirs.filesDir, 'd/new')).equals(bytes));
  t.is(store.hello().readOnly, null);
  await store.close();
});

test('bytes that vanish between the transaction and their place do not hold up the store for ever', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await change(store, { op: 'mkdir', path: '/d' });
  rmSync(join(dirs.filesDir, 'd'), { recursive: true });
  writeFileSync(join(dirs.filesDir, 'd'), '');
  const trash = join(dirs.filesDir, '.cloudroid/trash');
  rmdirSync(trash);
  const commit = await staged(store, 'upload-yyyyyyyy', '/d/lost', randomBytes(50_000));
  await t.throwsAsync(commit());
  rmSync(join(dirs.filesDir, '.cloudroid/staging/upload-yyyyyyyy'));
  mkdirSync(trash);
  await put(store, '/other', 'x');
  await store.close();
  const again = await openStore(storeOptions(dirs));
  t.is(again.hello().readOnly, null);
  t.is(again.record('/d/lost').entry?.kind, 'file', 'its record stays, for a peer that has the bytes');
  await again.close();
});
