import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { isMountPoint, watchMount } from '../../src/storage/disk/mount-point.ts';
import { openStore } from '../../src/storage/store.ts';
import { MEBIBYTE, mounted } from './mounted.ts';
import { openedStore, put, storeOptions, tempDirs } from './opened-store.ts';

test('where a disk must be mounted and is not, not even a new store begins on the card', async (t) => {
  const { root, ...dirs } = tempDirs(t);
  const store = await openStore(storeOptions(dirs, { mountDir: root }));
  t.teardown(() => store.close());
  t.regex((await store.hello()).readOnly ?? '', /disk of this member is not there: nothing is mounted on/);
  await t.throwsAsync(put(store, '/a', 'x'), { message: /nothing is mounted/ });
  t.false(existsSync(dirs.filesDir));
});

test("a card that holds the member's own old files is not taken for its disk", async (t) => {
  const { root, ...dirs } = tempDirs(t);
  const before = await openStore(storeOptions(dirs));
  await put(before, '/a', 'x');
  await before.close();
  const store = await openStore(storeOptions(dirs, { mountDir: root }));
  t.teardown(() => store.close());
  await t.throwsAsync(put(store, '/a', 'y'), { message: /nothing is mounted/ });
});

test('with the disk mounted all is as ever', async (t) => {
  const mountDir = mounted(t, 'tmpfs', 64 * MEBIBYTE);
  if (mountDir === undefined) return;
  const dirs = { ...tempDirs(t), filesDir: join(mountDir, 'files') };
  const { store } = await openedStore(t, { dirs, mountDir });
  t.is((await store.hello()).readOnly, null);
  await put(store, '/a', 'x');
  t.true(isMountPoint(mountDir));
  t.false(isMountPoint(dirs.filesDir));
  t.false(isMountPoint(join(mountDir, 'nowhere')));
});

test('a disk that came while the store was being opened is noticed too', async (t) => {
  const mountDir = '/proc';
  t.true(isMountPoint(mountDir));
  const noticed = Promise.withResolvers<string>();
  t.teardown(watchMount(mountDir, false, () => noticed.resolve('noticed')));
  t.teardown(watchMount(mountDir, true, () => noticed.resolve('what was there from the beginning')));
  t.is(await noticed.promise, 'noticed');
});

test('a disk that is plugged in later is noticed: the storage server ends with 75, which means start me again', async (t) => {
  const { root, stateDir } = tempDirs(t);
  const mountDir = join(root, 'disk');
  mkdirSync(mountDir);
  const args = [
    '--data',
    mountDir,
    '--state',
    stateDir,
    '--mount',
    mountDir,
    '--storage-listen',
    '127.0.0.1:16001',
  ];
  const main = join(import.meta.dirname, '../../src/main.ts');
  const child = spawn(process.execPath, [main, 'ftp', ...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (log += String(chunk)));
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'message');
  t.regex(log, /nothing is mounted/);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', mountDir], { stdio: 'pipe' });
  } catch {
    t.log('skipped: nothing can be mounted here');
    return;
  }
  t.teardown(() => execFileSync('umount', ['-l', mountDir]));
  const [status] = await once(child, 'close');
  t.is(status, 75, log);
  t.false(existsSync(join(mountDir, 'files')));
});
