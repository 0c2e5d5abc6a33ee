/** A file whose path becomes a directory is shown and stored under its conflict name, and comes back. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { conflictPath } from '../../src/replication/conflict-name.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { change, foreignRecord, inlineContent, openedStore, put, readThrough } from './opened-store.ts';

async function push(store: Store, record: ReplicaRecord, content?: string): Promise<void> {
  const reply = await store.merge({
    mode: 'push',
    records: [{ record, base: null }],
    ...(content === undefined ? {} : { content: inlineContent(content) }),
  });
  if (reply.counts.applied !== 1) throw new Error(JSON.stringify(reply));
}

function recordAt(store: Store, path: string): ReplicaRecord {
  const { record } = store.record(path);
  if (record === null) throw new Error(`no record at ${path}`);
  return record;
}

test('a file is shadowed by what arrives below it and unshadowed when that is deleted', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/a', 'the file');
  const inode = statSync(join(dirs.filesDir, 'a')).ino;
  const shown = conflictPath(recordAt(store, '/a'));
  await push(store, foreignRecord('/a/deep/b', 'below'), 'below');

  t.is(readFileSync(dirs.filesDir + shown, 'utf8'), 'the file');
  t.is(statSync(dirs.filesDir + shown).ino, inode, 'its bytes moved, they were not copied');
  t.is(await readThrough(store, '/a/deep/b'), 'below');
  t.is(await readThrough(store, shown), 'the file');
  t.is(store.record('/a').entry?.kind, 'directory');
  t.is(store.record(shown).entry?.record?.path, '/a');
  t.is(store.record(shown).disk?.path, dirs.filesDir + shown);
  t.deepEqual(
    [...store.list('/')].map(({ path, kind }) => [path, kind]).sort(),
    [
      ['/a', 'directory'],
      [shown, 'file'],
    ].sort(),
  );

  await change(store, { op: 'delete', path: '/a/deep/b' });
  t.is(readFileSync(join(dirs.filesDir, 'a'), 'utf8'), 'the file');
  t.false(existsSync(dirs.filesDir + shown));
  t.deepEqual(
    [...store.list('/')].map(({ path, kind }) => [path, kind]),
    [['/a', 'file']],
  );
});

test('a file that arrives where a directory lives is shadowed from the beginning', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/a/b', 'below');
  const record = foreignRecord('/a', 'late file');
  await push(store, record, 'late file');
  t.is(readFileSync(dirs.filesDir + conflictPath(record), 'utf8'), 'late file');
  t.is(await readThrough(store, '/a/b'), 'below');
});

test('a shown conflict name can be deleted: the record behind it dies, the directory stays', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/a', 'the file');
  const shown = conflictPath(recordAt(store, '/a'));
  await push(store, foreignRecord('/a/b', 'below'), 'below');
  await change(store, { op: 'delete', path: shown });
  t.is(store.record(shown).entry, null);
  t.is(recordAt(store, '/a').kind, 'tombstone');
  t.false(existsSync(dirs.filesDir + shown));
  t.is(await readThrough(store, '/a/b'), 'below');
});

test('a record of its own at the conflict name wins the place; the shadowed bytes are kept out of sight', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/a', 'the file');
  const shown = conflictPath(recordAt(store, '/a'));
  await push(store, foreignRecord('/a/b', 'below'), 'below');
  await push(store, foreignRecord(shown, 'somebody wrote here'), 'somebody wrote here');
  t.is(await readThrough(store, shown), 'somebody wrote here');
  t.deepEqual([...store.list('/')].map(({ path }) => path).sort(), ['/a', shown].sort());
  await change(store, { op: 'delete', path: '/a/b' });
  t.is(readFileSync(join(dirs.filesDir, 'a'), 'utf8'), 'the file');
});

test('shadowing goes on over several levels and many files', async (t) => {
  const { store } = await openedStore(t);
  await push(store, foreignRecord('/x', 'level 0'), 'level 0');
  await push(store, foreignRecord('/x/y', 'level 1'), 'level 1');
  await push(store, foreignRecord('/x/y/z', 'level 2'), 'level 2');
  t.like(store.counts(), { files: 3, directories: 2 });
  await change(store, { op: 'delete', path: '/x/y/z' });
  t.is(await readThrough(store, '/x/y'), 'level 1');
  await change(store, { op: 'delete', path: '/x/y' });
  t.is(await readThrough(store, '/x'), 'level 0');
  t.like(store.counts(), { files: 1, directories: 0 });
});
