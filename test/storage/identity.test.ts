/** Disk and catalog that do not belong together: each case has its own answer, and none looks like "all files deleted". */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { waitUntil } from '../network/wait-until.ts';
import { checkStore, type StoreDirs } from './check-store.ts';
import { MEMBER, openedStore, put, readThrough, storeOptions, tempDirs } from './opened-store.ts';
import { withStorageServer } from './with-storage-server.ts';

const CATALOG = 'catalog.sqlite';

/** A closed store with one file. */
async function storeWithFile(t: ExecutionContext): Promise<StoreDirs> {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await put(store, '/f', 'x');
  await store.close();
  return dirs;
}

/** Opens, looks, closes. */
async function look<T>(dirs: StoreDirs, at: (store: Store) => T | Promise<T>): Promise<T> {
  const store = await openStore(storeOptions(dirs));
  try {
    return await at(store);
  } finally {
    await store.close();
  }
}

const readOnly = (dirs: StoreDirs) => look(dirs, (store) => store.hello().readOnly ?? '');
const distrust = (dirs: StoreDirs) => look(dirs, (store) => store.disk.distrust());

function copyCatalog(from: string, to: string): void {
  for (const end of ['', '-wal', '-shm']) {
    rmSync(join(to, CATALOG + end), { force: true });
    if (existsSync(join(from, CATALOG + end))) cpSync(join(from, CATALOG + end), join(to, CATALOG + end));
  }
}

async function spoil(file: string, at: number): Promise<Buffer> {
  const handle = await open(file, 'r+');
  const { size } = await handle.stat();
  await handle.write(Buffer.alloc(8192, 0x5a), 0, 8192, Math.floor((size * at) / 4096) * 4096);
  await handle.close();
  return readFileSync(file);
}

async function settled(store: Store): Promise<void> {
  await waitUntil('a rebuild is under way', () =>
    /rebuilt/.test(store.hello().readOnly ?? '') ? null : 'not yet',
  );
  await store.disk.rebuildAlone();
  await waitUntil('the rebuild is over', () => store.hello().readOnly);
}

test('an empty new disk is taken only when the operator says so, and the old catalog is kept aside', async (t) => {
  const dirs = await storeWithFile(t);
  rmSync(dirs.filesDir, { recursive: true });
  mkdirSync(join(dirs.filesDir, 'lost+found'), { recursive: true });
  t.regex(await readOnly(dirs), /not mounted, or a new disk.*cloudroid disk accept/);
  t.deepEqual(readdirSync(dirs.filesDir), ['lost+found']);
  const before = await look(dirs, (store) => {
    store.disk.accept('empty');
    return store.hello().store;
  });
  const { store } = await openedStore(t, { dirs, ignore: ['/lost+found'] });
  t.is(store.hello().readOnly, null);
  t.not(store.hello().store, before);
  t.is(store.record('/f').entry, null);
  t.deepEqual(store.hello().knowledge, {}, 'everything is pulled again');
  await put(store, '/g', 'new');
  t.true(readdirSync(dirs.stateDir).some((name) => name.startsWith(`${CATALOG}.replaced-`)));
  t.false(existsSync(join(dirs.stateDir, 'accept-disk')));
});

test('what was said about an empty disk does nothing to one with files, now or later', async (t) => {
  const dirs = await storeWithFile(t);
  const store = join(dirs.filesDir, '.cloudroid/store.json');
  const identity = readFileSync(store);
  await look(dirs, ({ disk }) => disk.accept('empty'));
  rmSync(store);
  t.regex(await readOnly(dirs), /holds files, but is not this member's.*disk rebuild/);
  t.false(existsSync(join(dirs.stateDir, 'accept-disk')));
  writeFileSync(store, identity);
  t.is(await look(dirs, (opened) => readThrough(opened, '/f')), 'x');
});

test("another member's disk is left alone until the operator wants its files", async (t) => {
  const dirs = await storeWithFile(t);
  const mine = tempDirs(t);
  const options = storeOptions({ ...mine, filesDir: dirs.filesDir }, { member: 'odroid-n-0009' });
  const refused = await openStore(options);
  t.regex(refused.hello().readOnly ?? '', /holds the files of member odroid-a-0001.*disk rebuild/);
  refused.disk.accept('files');
  await refused.close();
  t.deepEqual(checkStore(dirs), []);
  const { store } = await openedStore(t, {
    dirs: { ...mine, filesDir: dirs.filesDir },
    member: 'odroid-n-0009',
  });
  await settled(store);
  t.is(await readThrough(store, '/f'), 'x');
});

for (const [what, at] of [
  ['its first page', 0],
  ['its middle', 0.5],
] as const) {
  test(`a catalog damaged in ${what} is moved aside as it is, and rebuilt from the volume`, async (t) => {
    const dirs = tempDirs(t);
    const first = await openStore(storeOptions(dirs));
    await Promise.all(Array.from({ length: 300 }, (_, n) => put(first, `/f${n}`, `content ${n}`)));
    await first.close();
    const damaged = await spoil(join(dirs.stateDir, CATALOG), at);
    const { store } = await openedStore(t, { dirs });
    await settled(store);
    t.is(store.counts().files, 300);
    t.is(await readThrough(store, '/f299'), 'content 299');
    const aside = readdirSync(dirs.stateDir).find((name) => /damaged-\d{8}T\d{9}Z$/.test(name)) ?? '';
    t.true(readFileSync(join(dirs.stateDir, aside)).equals(damaged));
  });
}

test('a damaged catalog without its volume is no first start: the volume is waited for', async (t) => {
  const dirs = await storeWithFile(t);
  await spoil(join(dirs.stateDir, CATALOG), 0);
  const away = `${dirs.filesDir}.away`;
  cpSync(dirs.filesDir, away, { recursive: true, preserveTimestamps: true });
  rmSync(dirs.filesDir, { recursive: true });
  for (const start of [1, 2]) t.regex(await readOnly(dirs), /was damaged.*not mounted/, `start ${start}`);
  t.false(existsSync(dirs.filesDir));
  cpSync(away, dirs.filesDir, { recursive: true, preserveTimestamps: true });
  const { store } = await openedStore(t, { dirs });
  await settled(store);
  t.is(await readThrough(store, '/f'), 'x');
});

test('a catalog that turns out damaged while somebody reads ends the writing and says so', async (t) => {
  await withStorageServer(async ({ store, folder, replica }) => {
    await put(store, '/f', 'x');
    for (const end of ['', '-wal']) {
      const handle = await open(join(folder, 'state', CATALOG + end), 'r+');
      const { size } = await handle.stat();
      await handle.write(Buffer.alloc(size, 0x5a), 0, size, 0);
      await handle.close();
    }
    const client = await replica();
    t.is((await client.hello()).readOnly, null);
    await t.throwsAsync(async () => {
      for await (const _record of (await client.changes(0)).records);
    });
    t.regex((await client.hello()).readOnly ?? '', /catalog is damaged .* rebuilt at the next start/);
    await t.throwsAsync(put(store, '/g', 'y'), { instanceOf: Refusal });
  });
});

test('a catalog restored from a backup is noticed, until it is reconciled', async (t) => {
  const dirs = await storeWithFile(t);
  const backup = join(dirs.stateDir, '..', 'backup');
  mkdirSync(backup);
  copyCatalog(dirs.stateDir, backup);
  await look(dirs, (store) => put(store, '/g', 'after the backup'));
  copyCatalog(backup, dirs.stateDir);
  await look(dirs, (store) => {
    t.is(store.disk.distrust(), 'catalog');
    t.regex(store.disk.notices()[0] ?? '', /catalog was restored from a backup/);
    t.is(store.hello().readOnly, null);
  });
  t.is(await distrust(dirs), 'catalog', 'a restart does not forget it');
  await look(dirs, (store) => store.disk.trustAgain());
  t.is(await distrust(dirs), null);
});

test('a catalog whose backup was made and restored within one run is noticed', async (t) => {
  const dirs = tempDirs(t);
  const backup = join(dirs.stateDir, '..', 'backup');
  mkdirSync(backup);
  await look(dirs, async (store) => {
    await put(store, '/f', 'x');
    copyCatalog(dirs.stateDir, backup);
    await put(store, '/g', 'after the backup');
  });
  copyCatalog(backup, dirs.stateDir);
  t.is(await distrust(dirs), 'catalog');
});

test('a volume restored from a snapshot is noticed', async (t) => {
  const dirs = await storeWithFile(t);
  const snapshot = `${dirs.filesDir}.snapshot`;
  cpSync(dirs.filesDir, snapshot, { recursive: true, preserveTimestamps: true });
  await look(dirs, (store) => put(store, '/g', 'after the snapshot'));
  rmSync(dirs.filesDir, { recursive: true });
  cpSync(snapshot, dirs.filesDir, { recursive: true, preserveTimestamps: true });
  await look(dirs, (store) => {
    t.is(store.disk.distrust(), 'volume');
    t.regex(store.disk.notices()[0] ?? '', /volume .* restored from a backup or a snapshot/);
  });
});

test('an orderly run, and one that was cut short, raise no false alarm', async (t) => {
  const dirs = await storeWithFile(t);
  for (let n = 0; n < 3; n += 1) t.is(await distrust(dirs), null);
  // Of a version that knew no such words.
  writeFileSync(
    join(dirs.filesDir, '.cloudroid/store.json'),
    JSON.stringify({ member: MEMBER, store: await look(dirs, (store) => store.hello().store) }),
  );
  t.is(await distrust(dirs), 'volume');
});
