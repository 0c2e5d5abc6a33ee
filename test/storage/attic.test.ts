import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { conflictPath } from '../../src/replication/conflict-name.ts';
import { Refusal } from '../../src/replication/operation.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { checkStore, type StoreDirs } from './check-store.ts';
import {
  change,
  foreignRecord,
  inlineContent,
  openedStore,
  put,
  readThrough,
  storeOptions,
  tempDirs,
} from './opened-store.ts';

function rows(store: Store): string[] {
  return [...store.attic.trash()].map(({ path, size, why }) => `${why} ${path} ${size}`);
}

function only(store: Store): string {
  const [entry, ...more] = store.attic.trash();
  if (entry === undefined || more.length > 0) throw new Error('not exactly one in the trash');
  return entry.id;
}

function trashNames({ filesDir }: StoreDirs): string[] {
  return readdirSync(join(filesDir, '.cloudroid/trash'));
}

test('the trash tells newest first what came there and why', async (t) => {
  let now = 1_700_000_000_000;
  const dirs = tempDirs(t);
  const { store } = await openedStore(t, { dirs, now: () => ++now, ignore: ['/unknown'] });
  await put(store, '/deleted', 'gone');
  await change(store, { op: 'delete', path: '/deleted' });
  await put(store, '/replaced', 'one');
  await put(store, '/replaced', 'another');
  await put(store, '/changed', 'as stored');
  writeFileSync(join(dirs.filesDir, 'changed'), 'behind our back');
  await change(store, { op: 'delete', path: '/changed' });
  writeFileSync(join(dirs.filesDir, 'in-the-way'), 'found here');
  await put(store, '/in-the-way', 'stored here');
  // What was displaced gets its row with the next change.
  await put(store, '/next', 'x');
  t.deepEqual(rows(store), [
    'unknown /in-the-way 10',
    'damaged /changed 9',
    'replaced /replaced 3',
    'deleted /deleted 4',
  ]);
});

test('a deleted file comes back as it was, with its time, and leaves the trash', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/d/f', 'bytes', 1_600_000_000_000);
  await change(store, { op: 'delete', path: '/d/f' });
  t.deepEqual(await store.attic.restore({ id: only(store) }), { path: '/d/f', size: 5 });
  t.is(await readThrough(store, '/d/f'), 'bytes');
  t.is(store.record('/d/f').entry?.mtime, 1_600_000_000_000);
  t.is(readFileSync(join(dirs.filesDir, 'd/f'), 'utf8'), 'bytes');
  t.deepEqual(rows(store), []);
  t.deepEqual(trashNames(dirs), []);
  t.is(store.counts().trashBytes, 0);
});

test('a restore beside a newer file takes another path, or replaces it when told to', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/f', 'old');
  await put(store, '/f', 'newer');
  const id = only(store);
  const refused = await t.throwsAsync(store.attic.restore({ id }), { instanceOf: Refusal });
  t.is(refused.kind, 'exists');
  t.is(await readThrough(store, '/f'), 'newer');
  await store.attic.restore({ id, to: '/f-before' });
  t.is(await readThrough(store, '/f-before'), 'old');
  t.is(await readThrough(store, '/f'), 'newer');

  await put(store, '/f', 'newest');
  await store.attic.restore({ id: only(store), replace: true });
  t.is(await readThrough(store, '/f'), 'newer');
  t.deepEqual(rows(store), ['replaced /f 6'], 'what was replaced can come back in its turn');
});

test('what has no known hash is hashed and restored; what has no known path needs one', async (t) => {
  const dirs = tempDirs(t);
  await (await openStore(storeOptions(dirs))).close();
  writeFileSync(join(dirs.filesDir, '.cloudroid/trash/orphan'), 'the only name');
  const { store } = await openedStore(t, { dirs });
  t.deepEqual(rows(store), ['unknown  13']);
  const refused = await t.throwsAsync(store.attic.restore({ id: 'orphan' }), { instanceOf: Refusal });
  t.is(refused.kind, 'invalid');
  await store.attic.restore({ id: 'orphan', to: '/found' });
  t.is(await readThrough(store, '/found'), 'the only name');
  t.deepEqual(trashNames(dirs), []);
});

test('bytes that have rotted in the trash are not restored as what they were', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/f', 'sound');
  await change(store, { op: 'delete', path: '/f' });
  const id = only(store);
  const file = join(dirs.filesDir, '.cloudroid/trash', id);
  writeFileSync(file, 'rotte');
  utimesSync(file, 1_700_000_000, 1_700_000_000);
  const refused = await t.throwsAsync(store.attic.restore({ id }), { instanceOf: Refusal });
  t.is(refused.kind, 'hash-mismatch');
  t.is(store.record('/f').entry, null);
  t.deepEqual(rows(store), ['damaged /f 5']);
  await store.attic.restore({ id });
  t.is(await readThrough(store, '/f'), 'rotte', 'asked for once more, it is given as it is');
});

test('an unknown id, and a path that cannot be, leave the trash as it is', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/f', 'x');
  await change(store, { op: 'delete', path: '/f' });
  await change(store, { op: 'mkdir', path: '/folder' });
  const id = only(store);
  const kindOf = async (request: Parameters<Store['attic']['restore']>[0]) =>
    (await t.throwsAsync(store.attic.restore(request), { instanceOf: Refusal })).kind;
  t.is(await kindOf({ id: 'nothing' }), 'not-found');
  t.is(await kindOf({ id: '../../f' }), 'not-found');
  t.is(await kindOf({ id, to: '/folder' }), 'is-a-directory');
  t.is(await kindOf({ id, to: '/folder', replace: true }), 'is-a-directory');
  t.is(await kindOf({ id, to: '/.cloudroid/x' }), 'forbidden-name');
  t.deepEqual(rows(store), ['deleted /f 1']);
});

test('emptying takes everything, however much, or what is older than a moment', async (t) => {
  let now = 1_700_000_000_000;
  const { store, dirs } = await openedStore(t, { now: () => now });
  for (let count = 0; count < 250; count += 1) await put(store, `/old-${count}`, `old ${count}`);
  await Promise.all(
    Array.from({ length: 250 }, (_, count) => change(store, { op: 'delete', path: `/old-${count}` })),
  );
  now += 1000;
  await put(store, '/young', 'young');
  await change(store, { op: 'delete', path: '/young' });
  t.is((await store.attic.empty(now)).files, 250);
  t.deepEqual(rows(store), ['deleted /young 5']);
  t.deepEqual(await store.attic.empty(), { files: 1, bytes: 5 });
  t.deepEqual(trashNames(dirs), []);
  t.is(store.counts().trashBytes, 0);
  const database = new DatabaseSync(join(dirs.stateDir, 'catalog.sqlite'), { readOnly: true });
  t.is(database.prepare('SELECT count(*) AS n FROM trash').get()?.['n'], 0, 'no row stays without a file');
  database.close();
  t.deepEqual(await store.attic.empty(), { files: 0, bytes: 0 });
});

test('rows whose files a killed emptying had removed already go at the next start', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await put(store, '/f', 'four');
  await change(store, { op: 'delete', path: '/f' });
  const id = only(store);
  await store.close();
  const { rmSync } = await import('node:fs');
  rmSync(join(dirs.filesDir, '.cloudroid/trash', id));
  const { store: again } = await openedStore(t, { dirs });
  t.deepEqual(rows(again), []);
  t.is(again.counts().trashBytes, 0);
});

test('a restore while space is short is not undone by the trash making room', async (t) => {
  const dirs = tempDirs(t);
  const options = storeOptions(dirs);
  const store = await openStore(options);
  await put(store, '/f', 'precious');
  await change(store, { op: 'delete', path: '/f' });
  const id = only(store);
  await store.close();
  const full = await openStore({ ...options, reserveBytes: Number.MAX_SAFE_INTEGER });
  const refused = await t.throwsAsync(full.attic.restore({ id }), { instanceOf: Refusal });
  t.is(refused.kind, 'no-space');
  t.true(existsSync(join(dirs.filesDir, '.cloudroid/trash', id)));
  await full.close();
  t.deepEqual(checkStore(dirs), []);
});

test('conflict copies and shadowed files are told with the path they belong to', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/d/f.txt', 'mine');
  const theirs = foreignRecord('/d/f.txt', 'theirs', { stamp: 1000 });
  await store.merge({
    mode: 'push',
    records: [{ record: theirs, base: null }],
    content: inlineContent('theirs'),
  });
  const shadowed = foreignRecord('/s', 'a file');
  await store.merge({
    mode: 'push',
    records: [{ record: shadowed, base: null }],
    content: inlineContent('a file'),
  });
  await store.merge({
    mode: 'push',
    records: [{ record: foreignRecord('/s/inside', 'x'), base: null }],
    content: inlineContent('x'),
  });
  const found = [...store.attic.conflicts()].map(({ mtime: _, ...entry }) => entry);
  t.deepEqual(found, [
    {
      path: conflictPath(theirs),
      original: '/d/f.txt',
      originalKnown: true,
      kind: 'lost',
      size: 6,
      member: 'odroid-b-0002',
    },
    {
      path: conflictPath(shadowed),
      original: '/s',
      originalKnown: true,
      kind: 'shadowed',
      size: 6,
      member: 'odroid-b-0002',
    },
  ]);
  await put(store, '/x', 'deleted');
  await change(store, { op: 'delete', path: '/x' });
  const onShadowed = store.attic.restore({ id: only(store), to: conflictPath(shadowed) });
  t.is(
    (await t.throwsAsync(onShadowed, { instanceOf: Refusal })).kind,
    'exists',
    'what is only shown there counts',
  );
});

test('a copy whose long name was cut is traced to its file through what that file remembers', async (t) => {
  const { store } = await openedStore(t);
  const long = `/${'x'.repeat(240)}.txt`;
  await put(store, `/${'x'.repeat(239)}y.txt`, 'another with the same beginning');
  await put(store, long, 'mine');
  const theirs = foreignRecord(long, 'theirs', { stamp: 1000 });
  await store.merge({
    mode: 'push',
    records: [{ record: theirs, base: null }],
    content: inlineContent('theirs'),
  });
  const [copy] = store.attic.conflicts();
  t.is(copy?.original, long);
  t.true(copy?.originalKnown);
  await change(store, { op: 'delete', path: long });
  const [orphan] = store.attic.conflicts();
  t.false(orphan?.originalKnown);
});
