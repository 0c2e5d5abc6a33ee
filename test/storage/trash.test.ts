import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { conflictPath } from '../../src/replication/conflict-name.ts';
import { Refusal } from '../../src/replication/operation.ts';
import { Catalog } from '../../src/storage/catalog/catalog.ts';
import { Trash } from '../../src/storage/disk/trash.ts';
import { Volume } from '../../src/storage/disk/volume.ts';
import { openStore } from '../../src/storage/store.ts';
import { checkStore, type StoreDirs } from './check-store.ts';
import { change, openedStore, put, sha256Of, storeOptions, tempDirs } from './opened-store.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

function trashNames(dirs: StoreDirs): string[] {
  return readdirSync(join(dirs.filesDir, '.cloudroid/trash'));
}

test('the trash is kept 30 days, by age, with its bytes counted', async (t) => {
  const dirs = tempDirs(t);
  let days = 0;
  const store = await openStore(storeOptions(dirs, { now: () => 1_700_000_000_000 + days * DAY_MS }));
  await put(store, '/old', 'first');
  await change(store, { op: 'delete', path: '/old' });
  days = 20;
  await put(store, '/young', 'second one');
  await change(store, { op: 'delete', path: '/young' });
  t.is(store.counts().trashBytes, 15);
  await store.close();

  const catalog = new Catalog(join(dirs.stateDir, 'catalog.sqlite'), conflictPath);
  const trash = new Trash(catalog, new Volume(dirs.filesDir, () => {}));
  const expireAfter = (age: number) => {
    catalog.transaction(() => trash.expire(1_700_000_000_000 + age * DAY_MS));
    catalog.transaction(() => trash.dropRows());
    trash.rowsDropped();
    return trashNames(dirs).length;
  };
  t.is(expireAfter(29), 2);
  t.is(expireAfter(31), 1);
  t.is(catalog.committed.trashBytes, 10);
  t.true(trash.makeRoom(1));
  t.deepEqual(trashNames(dirs), []);
  t.false(trash.makeRoom(1), 'nothing is left');
  catalog.transaction(() => trash.dropRows());
  trash.rowsDropped();
  t.is(catalog.committed.trashBytes, 0);
  catalog.close();
  t.deepEqual(checkStore(dirs), []);
});

test('what is in the trash serves as content again', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/f', 'once more');
  await change(store, { op: 'delete', path: '/f' });
  const operation = { op: 'put', path: '/g', size: 9, sha256: sha256Of('once more') } as const;
  await store.commit({ id: 'operation-from-trash', operation });
  t.is(store.record('/g').entry?.size, 9);
});

test('names in the trash that a killed commit left are cleared, the only name of some bytes is kept', async (t) => {
  const dirs = tempDirs(t);
  const first = await openStore(storeOptions(dirs));
  await put(first, '/f', 'live');
  await first.close();
  const { linkSync, writeFileSync } = await import('node:fs');
  const trash = join(dirs.filesDir, '.cloudroid/trash');
  linkSync(join(dirs.filesDir, 'f'), join(trash, 'second-name'));
  writeFileSync(join(trash, 'only-name'), 'somebody may want this');
  const { store } = await openedStore(t, { dirs });
  t.deepEqual(trashNames(dirs), ['only-name']);
  t.is(store.counts().trashBytes, 22);
});

test('a volume that goes away while the store runs stops all writing and deletes nothing', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await put(store, '/f', 'x');
  renameSync(dirs.filesDir, `${dirs.filesDir}.away`);
  const error = await t.throwsAsync(change(store, { op: 'delete', path: '/f' }), { instanceOf: Refusal });
  t.is(error.kind, 'read-only');
  t.regex(store.hello().readOnly ?? '', /has gone: mount it and restart/);
  t.is(store.record('/f').record?.kind, 'file');
  await store.close();
  renameSync(`${dirs.filesDir}.away`, dirs.filesDir);
  t.deepEqual(checkStore(dirs, { settled: false }), []);
});
