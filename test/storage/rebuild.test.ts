/** A catalog that is lost or damaged is made anew from the volume and from what the peers know. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { waitUntil } from '../network/wait-until.ts';
import { checkStore, type StoreDirs } from './check-store.ts';
import {
  change,
  foreignRecord,
  openedStore,
  put,
  readThrough,
  sha256Of,
  storeOptions,
  tempDirs,
} from './opened-store.ts';

const MTIME = 1_700_000_000_000;
/** What a peer knows; a rebuild believes none that knows nothing. */
const KNOWLEDGE = { 'odroid-b-0002.bbbbbbbb': 1000 };

function loseCatalog({ stateDir }: StoreDirs): void {
  for (const end of ['', '-wal', '-shm']) rmSync(join(stateDir, `catalog.sqlite${end}`), { force: true });
}

/** A store with these files, closed; its catalog is gone. */
async function lostStore(
  t: ExecutionContext,
  files: { readonly [path: string]: string },
): Promise<StoreDirs> {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  for (const [path, content] of Object.entries(files)) await put(store, path, content, MTIME);
  await store.close();
  loseCatalog(dirs);
  return dirs;
}

async function gathered(store: Store): Promise<void> {
  await waitUntil('the files are read', () =>
    /compared with/.test(store.hello().readOnly ?? '') ? null : String(store.hello().readOnly),
  );
}

async function settled(store: Store): Promise<void> {
  await waitUntil('the rebuild is over', () => store.hello().readOnly);
}

/** What a sweep does with a peer that has these records, and whose bytes are not sent. */
async function exchange(store: Store, records: readonly ReplicaRecord[]): Promise<readonly string[]> {
  const pushed = records.map((record) => ({ record, base: null }));
  const partial = await store.merge({ mode: 'partial', records: pushed });
  const end = {
    store: 'b',
    incarnation: 'bbbbbbbb',
    knowledge: KNOWLEDGE,
    upTo: 1000,
    collectedStamp: 0,
  };
  const receiver = store.hello().incarnation;
  if (partial.need.length > 0) return partial.need.map(({ sha256 }) => sha256);
  const left = pushed.filter((_, index) => partial.outcomes?.[index] === 'deferred');
  const complete = await store.merge({ mode: 'complete', records: left, exchange: end, receiver });
  return complete.need.map(({ sha256 }) => sha256);
}

test('files of a lost catalog are matched with what the peers know, without a copy of any byte', async (t) => {
  const dirs = await lostStore(t, {
    '/same': 'same',
    '/dir/same-too': 'other time',
    '/deleted': 'deleted elsewhere',
    '/changed.txt': 'as it was here',
    '/only/here': 'never replicated',
    '/twin-a': 'twins',
    '/twin-b': 'twins',
  });
  const inode = statSync(join(dirs.filesDir, 'dir/same-too')).ino;
  const { store } = await openedStore(t, { dirs });
  await gathered(store);
  t.deepEqual(readdirSync(dirs.filesDir), ['.cloudroid']);
  const refused = await t.throwsAsync(put(store, '/new', 'x'), { instanceOf: Refusal });
  t.is(refused.kind, 'read-only');
  t.regex(refused.message, /catalog of this member was lost .* disk rebuild --alone/);
  const records = [
    foreignRecord('/same', 'same'),
    foreignRecord('/dir/same-too', 'other time', { mtime: MTIME + 5000 }),
    foreignRecord('/deleted', null),
    foreignRecord('/changed.txt', 'as it is there'),
    foreignRecord('/twin-a', 'twins'),
    foreignRecord('/twin-b', 'twins'),
    foreignRecord('/moved-to', 'never replicated'),
  ];
  const needed = await exchange(store, records);
  t.deepEqual([...new Set(needed)], [sha256Of('as it is there')], 'all else is on the disk');
  t.not(store.hello().readOnly, null, 'the exchange was not complete');
  store.disk.roundOver();
  const staged = await store.writeStaging(`sha-${sha256Of('as it is there')}`, 0);
  await staged.write(Buffer.from('as it is there'));
  await staged.end();
  t.deepEqual(await exchange(store, records), []);
  t.not(store.hello().readOnly, null, 'the other peers were not asked');
  store.disk.roundOver();
  await settled(store);

  t.is(await readThrough(store, '/same'), 'same');
  t.is(statSync(join(dirs.filesDir, 'dir/same-too')).ino, inode, 'linked, not copied');
  t.is(store.record('/dir/same-too').record?.mtime, MTIME + 5000);
  t.is(store.record('/deleted').entry, null);
  t.is(await readThrough(store, '/changed.txt'), 'as it is there');
  t.is(await readThrough(store, '/changed.recovered-20231114T221320.000Z.txt'), 'as it was here');
  t.is(await readThrough(store, '/only/here'), 'never replicated');
  t.is(await readThrough(store, '/twin-b'), 'twins');
  const own = store.record('/only/here').record;
  t.is(own?.dot[0], `odroid-a-0001.${store.hello().incarnation}`);
  t.is(own?.mtime, MTIME);
  t.false(existsSync(join(dirs.filesDir, '.cloudroid/salvage')));
  t.deepEqual(
    readdirSync(join(dirs.filesDir, '.cloudroid/trash')).map((id) =>
      readFileSync(join(dirs.filesDir, '.cloudroid/trash', id), 'utf8'),
    ),
    ['deleted elsewhere'],
  );
  await put(store, '/new', 'x');
});

test('a member that is alone waits for the operator, then every file is a new write', async (t) => {
  const dirs = await lostStore(t, { '/a': 'one', '/b/c': 'two', '/empty': '' });
  mkdirSync(join(dirs.filesDir, 'folder/inner'), { recursive: true });
  const { store } = await openedStore(t, { dirs });
  await gathered(store);
  store.disk.roundOver();
  await t.throwsAsync(put(store, '/new', 'x'), { instanceOf: Refusal });
  t.true(await store.disk.rebuildAlone());
  await settled(store);
  t.is(await readThrough(store, '/a'), 'one');
  t.is(await readThrough(store, '/b/c'), 'two');
  t.is(store.record('/empty').entry?.size, 0);
  t.is(store.record('/folder/inner').entry?.kind, 'directory');
  t.false(await store.disk.rebuildAlone());
});

test('an exchange with a peer that knows nothing ends no rebuild', async (t) => {
  const dirs = await lostStore(t, { '/a': 'one' });
  const { store } = await openedStore(t, { dirs });
  await gathered(store);
  const { incarnation: receiver } = store.hello();
  const end = { store: 'b', incarnation: 'b', knowledge: {}, upTo: 0, collectedStamp: 0 };
  await store.merge({ mode: 'complete', records: [], exchange: end, receiver });
  store.disk.roundOver();
  await t.throwsAsync(put(store, '/new', 'x'), { instanceOf: Refusal });
  t.true(await store.disk.rebuildAlone());
  await settled(store);
});

test('a file whose name is a folder elsewhere is kept under another name', async (t) => {
  const dirs = await lostStore(t, { '/name': 'a file here', '/dir/x': 'in a folder here' });
  const { store } = await openedStore(t, { dirs });
  await gathered(store);
  await exchange(store, [
    foreignRecord('/name', null, { kind: 'directory' }),
    foreignRecord('/dir', 'in a folder here'),
  ]);
  store.disk.roundOver();
  await settled(store);
  t.is(await readThrough(store, '/name.recovered-20231114T221320.000Z'), 'a file here');
  t.is(await readThrough(store, '/dir'), 'in a folder here');
  const lost = [...store.list('/recovered')].map(({ path }) => path);
  t.is(lost.length, 1);
  t.is(await readThrough(store, lost[0] ?? ''), 'in a folder here');
});

test('a rebuild follows no link out of the volume, and leaves it where it was put', async (t) => {
  const dirs = await lostStore(t, { '/a': 'one' });
  const outside = join(dirs.stateDir, '..', 'outside');
  mkdirSync(join(outside, 'empty'), { recursive: true });
  writeFileSync(join(outside, 'secret'), 'not for users');
  symlinkSync(outside, join(dirs.filesDir, 'link'));
  const { store } = await openedStore(t, { dirs });
  await gathered(store);
  await store.disk.rebuildAlone();
  await settled(store);
  t.deepEqual(
    [...store.list('/')].map(({ path }) => path),
    ['/a'],
  );
  t.deepEqual(readdirSync(outside), ['empty', 'secret']);
  const [rebuild = ''] = readdirSync(join(dirs.filesDir, '.cloudroid/salvage'));
  t.deepEqual(readdirSync(join(dirs.filesDir, '.cloudroid/salvage', rebuild)), ['link']);
});

test('bytes that have lost their name are kept in a folder of their own, unless they are elsewhere', async (t) => {
  const dirs = await lostStore(t, { '/a': 'one' });
  const internal = join(dirs.filesDir, '.cloudroid');
  writeFileSync(join(internal, 'hidden', 'a'.repeat(64)), 'out of sight');
  writeFileSync(join(internal, 'hidden', 'b'.repeat(64)), 'at another place of the peer');
  writeFileSync(join(internal, 'staging', `link-${'c'.repeat(24)}`), 'of a rename that was cut short');
  const { store } = await openedStore(t, { dirs });
  await gathered(store);
  await exchange(store, [foreignRecord('/there', 'at another place of the peer')]);
  store.disk.roundOver();
  await settled(store);
  const kept: string[] = [];
  for (const { path } of store.list('/recovered')) kept.push(await readThrough(store, path));
  t.deepEqual(kept.sort(), ['of a rename that was cut short', 'out of sight']);
  t.is(await readThrough(store, '/there'), 'at another place of the peer');
});

test('a volume without files needs no rebuild', async (t) => {
  const dirs = await lostStore(t, {});
  const { store } = await openedStore(t, { dirs });
  await settled(store);
  await t.notThrowsAsync(put(store, '/new', 'x'));
});

test('a catalog lost again during a rebuild loses no file', async (t) => {
  const dirs = await lostStore(t, { '/a': 'first', '/b': 'both' });
  const first = await openStore(storeOptions(dirs));
  await gathered(first);
  await exchange(first, [foreignRecord('/b', 'both'), foreignRecord('/c', null)]);
  await first.close();
  loseCatalog(dirs);
  writeFileSync(join(dirs.filesDir, 'a'), 'put there by hand meanwhile');
  const { store } = await openedStore(t, { dirs });
  await gathered(store);
  t.true(await store.disk.rebuildAlone());
  await settled(store);
  t.is(await readThrough(store, '/b'), 'both');
  const contents: string[] = [];
  for (const { path } of store.list('/')) contents.push(await readThrough(store, path));
  t.deepEqual(contents.sort(), ['both', 'first', 'put there by hand meanwhile']);
});

test('a store that is closed in the middle of a rebuild goes on, and waits for a whole round anew', async (t) => {
  const dirs = await lostStore(t, { '/a': 'one', '/b': 'two' });
  const first = await openStore(storeOptions(dirs));
  await gathered(first);
  await exchange(first, [foreignRecord('/a', 'one')]);
  await first.close();
  const said: string[] = [];
  const { store } = await openedStore(t, { dirs, log: (_level, message) => said.push(message) });
  await waitUntil('it has looked', () => (said.some((each) => /waits for/.test(each)) ? null : said.join()));
  t.not(store.hello().readOnly, null);
  store.disk.roundOver();
  await settled(store);
  t.is(await readThrough(store, '/b'), 'two');
});

test('nothing is taken from peers before it is known what is on the disk', async (t) => {
  const dirs = await lostStore(t, { '/a': 'one' });
  const { store } = await openedStore(t, { dirs });
  const refused = await t.throwsAsync(exchange(store, [foreignRecord('/a', 'one')]), { instanceOf: Refusal });
  t.is(refused.kind, 'read-only');
  t.regex(refused.message, /files found on the disk are read/);
  await gathered(store);
  t.deepEqual(await exchange(store, [foreignRecord('/a', 'one')]), []);
  store.disk.roundOver();
  await settled(store);
});

test('a folder that was removed elsewhere does not come back, one that is unknown stays', async (t) => {
  const dirs = tempDirs(t);
  const before = await openStore(storeOptions(dirs));
  for (const path of ['/gone', '/kept']) await change(before, { op: 'mkdir', path });
  await put(before, '/f', 'x');
  await before.close();
  loseCatalog(dirs);
  const { store } = await openedStore(t, { dirs });
  await gathered(store);
  await exchange(store, [foreignRecord('/gone', null)]);
  store.disk.roundOver();
  await settled(store);
  t.is(store.record('/gone').entry, null);
  t.is(store.record('/kept').entry?.kind, 'directory');
  t.deepEqual(checkStore(dirs, { settled: false }), []);
});
