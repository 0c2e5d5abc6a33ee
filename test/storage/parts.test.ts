/** What is kept of uploads that broke off: whose it is, how long, how much, and that it is whole or gone. */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { partKey } from '../../src/peers/protocol-parts.ts';
import { Parts } from '../../src/storage/disk/parts.ts';
import { Staging } from '../../src/storage/disk/staging.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import {
  openedStore,
  operationId,
  put,
  readThrough,
  sha256Of,
  storeOptions,
  tempDirs,
} from './opened-store.ts';

const HOUR_MS = 60 * 60 * 1000;
const GUEST = { user: 'guest', path: '/camera/film' };

interface Wanted {
  readonly user?: string;
  readonly path?: string;
  readonly over?: string | null;
}

let uploads = 0;

/** As the gateway does it: the bytes are written to the path that it is given. */
async function keep(
  store: Store,
  content: string,
  { over = null, mostBytes, ...owner }: Wanted & { readonly mostBytes?: number } = {},
) {
  uploads += 1;
  const staged = `upload-${uploads}`.padEnd(16, '-');
  const { diskPath } = await store.stage({ id: staged });
  writeFileSync(diskPath, content);
  const [size, sha256] = [Buffer.byteLength(content), sha256Of(content)];
  const most = mostBytes === undefined ? {} : { mostBytes };
  return await store.parts.keep({
    ...{ ...GUEST, ...owner, ...most },
    ...{ staged, size, sha256, over, keepMs: 24 * HOUR_MS },
  });
}

function bytesOf(store: Store, owner = GUEST): string | null {
  const part = store.parts.find(owner);
  return part === null ? null : readFileSync(part.diskPath, 'utf8').slice(0, part.size);
}

test('a part is found by its user and path only, and no listing shows it', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/camera/other', 'whole');
  await keep(store, 'half a film');
  t.is(bytesOf(store), 'half a film');
  t.like(store.parts.find(GUEST), { size: 11, sha256: sha256Of('half a film'), over: null });
  t.is(store.parts.find({ ...GUEST, user: 'anna' }), null);
  t.is(store.parts.find({ ...GUEST, path: '/camera/Film' }), null);
  t.is(store.record(GUEST.path).entry, null);
  t.deepEqual(
    [...store.list('/camera')].map(({ path }) => path),
    ['/camera/other'],
  );
  t.deepEqual(store.parts.keys(), [partKey(GUEST)]);
});

test('the upload that broke off last replaces the one before, and dropping one is final', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await keep(store, 'first');
  await keep(store, 'the second');
  t.is(bytesOf(store), 'the second');
  t.is(store.parts.bytes, 10);
  const { partsDir } = partsIn(dirs.filesDir);
  t.is(readdirSync(partsDir).length, 2, 'bytes and record of one');
  t.true(await store.parts.drop(GUEST));
  t.false(await store.parts.drop(GUEST));
  await store.close();
  const again = await openStore(storeOptions(dirs));
  t.is(bytesOf(again), null);
  t.deepEqual(readdirSync(partsDir), []);
  await again.close();
});

function partsIn(filesDir: string) {
  const partsDir = join(filesDir, '.cloudroid/parts');
  const recordOf = (user: string) =>
    readdirSync(partsDir).find(
      (name) => name.endsWith('.json') && readFileSync(join(partsDir, name), 'utf8').includes(`"${user}"`),
    ) ?? '';
  return { partsDir, recordOf };
}

test('parts outlive a restart; what is not whole is cleared away', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  for (const user of ['whole', 'short', 'no-bytes', 'no-json', 'torn'])
    await keep(store, `of ${user}`, { user });
  await store.close();
  const { partsDir, recordOf } = partsIn(dirs.filesDir);
  const bytes = (user: string) => join(partsDir, recordOf(user).slice(0, -5));
  truncateSync(bytes('short'), 3);
  rmSync(bytes('no-bytes'));
  rmSync(join(partsDir, recordOf('no-json')));
  truncateSync(join(partsDir, recordOf('torn')), 20);
  writeFileSync(join(partsDir, 'stray'), 'x');
  const again = await openStore(storeOptions(dirs));
  t.is(bytesOf(again, { ...GUEST, user: 'whole' }), 'of whole');
  for (const user of ['short', 'no-bytes', 'no-json', 'torn'])
    t.is(again.parts.find({ ...GUEST, user }), null, user);
  t.is(readdirSync(partsDir).length, 2);
  await again.close();
});

test('of two records for one path, as a crash may leave them, the newer one holds whatever the clock said', async (t) => {
  const dirs = tempDirs(t);
  let now = Date.UTC(2026, 5, 2);
  const store = await openStore(storeOptions(dirs, { now: () => now }));
  const { partsDir } = partsIn(dirs.filesDir);
  await keep(store, 'older');
  for (const name of readdirSync(partsDir)) linkSync(join(partsDir, name), join(dirs.root, name));
  now -= 5 * HOUR_MS;
  await keep(store, 'newer');
  await store.close();
  for (const name of readdirSync(dirs.root).filter((each) => /^[0-9a-f]{24}/.test(each))) {
    renameSync(join(dirs.root, name), join(partsDir, name));
  }
  const again = await openStore(storeOptions(dirs, { now: () => now }));
  t.is(bytesOf(again), 'newer');
  t.is(readdirSync(partsDir).length, 2);
  await again.close();
});

test('a part that is shorter than told is not kept, nor one that is not there or is being stored', async (t) => {
  const { store } = await openedStore(t);
  const more = { ...GUEST, size: 9, sha256: sha256Of('x'), over: null, keepMs: HOUR_MS };
  const { diskPath } = await store.stage({ id: 'too-short-upload' });
  writeFileSync(diskPath, 'short');
  await t.throwsAsync(store.parts.keep({ ...more, staged: 'too-short-upload' }), {
    message: /5 bytes, not 9/,
  });
  t.is(await store.stagedSize('too-short-upload'), null);
  await t.throwsAsync(store.parts.keep({ ...more, staged: 'never-there' }), { message: /no such staged/ });
  const writer = await store.writeStaging('being-written', 0);
  await t.throwsAsync(store.parts.keep({ ...more, staged: 'being-written' }), { message: /being written/ });
  await writer.abort();
  t.deepEqual(store.parts.keys(), []);
});

test('a part goes after its hours, by a clock that can be trusted', (t) => {
  const { root } = tempDirs(t);
  let now = Date.UTC(2026, 5, 1);
  const parts = partsAt(root, () => now);
  return (async () => {
    await parts.make('guest', '/f', 24);
    now += 24 * HOUR_MS - 1;
    parts.all.expire();
    t.not(parts.all.find({ user: 'guest', path: '/f' }), null);
    now += 1;
    t.is(parts.all.find({ user: 'guest', path: '/f' }), null, 'also before it is cleared away');
    t.is(parts.files(), 2);
    parts.all.expire();
    t.is(parts.files(), 0);
    // Kept by a board that did not know the time: a day from the moment that it does.
    now = 5000;
    await parts.make('guest', '/f', 24);
    now = Date.UTC(2026, 5, 3);
    t.not(parts.all.find({ user: 'guest', path: '/f' }), null);
    parts.all.expire();
    now += 24 * HOUR_MS;
    parts.all.expire();
    t.is(parts.files(), 0);
    // And by one that was in the future.
    now = Date.UTC(2106, 1, 1);
    await parts.make('guest', '/f', 24);
    now = Date.UTC(2026, 5, 5);
    parts.all.expire();
    now += 24 * HOUR_MS;
    parts.all.expire();
    t.is(parts.files(), 0);
  })();
});

test('a user has at most 100 parts, all together 1000: the oldest go', async (t) => {
  const parts = partsAt(tempDirs(t).root, Date.now);
  for (let n = 0; n < 101; n += 1) await parts.make('guest', `/f${n}`, 24);
  t.is(parts.all.keys().length, 100);
  t.is(parts.all.find({ user: 'guest', path: '/f0' }), null);
  t.not(parts.all.find({ user: 'guest', path: '/f1' }), null);
  for (let n = 0; n < 901; n += 1) await parts.make(`user${n}`, '/f', 24);
  t.is(parts.all.keys().length, 1000);
  t.is(parts.all.find({ user: 'guest', path: '/f1' }), null);
  t.not(parts.all.find({ user: 'guest', path: '/f2' }), null);
  t.is(parts.files(), 2000);
});

function partsAt(root: string, now: () => number) {
  const stagingDir = join(root, 'files', 'staging');
  const dir = join(root, 'files', 'parts');
  mkdirSync(stagingDir, { recursive: true });
  const staging = new Staging(stagingDir);
  const all = new Parts(dir, staging, now);
  all.load();
  const make = async (user: string, path: string, hours: number) => {
    uploads += 1;
    const staged = `upload-${uploads}`.padEnd(16, '-');
    writeFileSync(staging.path(staged), 'half');
    const more = { sha256: sha256Of('half'), over: null, keepMs: hours * HOUR_MS };
    await all.keep({ user, path, staged, size: 4, ...more });
  };
  return { all, make, files: () => readdirSync(dir).length };
}

test('the parts of a user with a quota take up no more than it, the oldest go first, and those of others stay', async (t) => {
  const { store } = await openedStore(t);
  await keep(store, '0123456789', { path: '/of another' });
  const path = (n: number) => ({ user: 'anna', path: `/film${n}` });
  for (let n = 1; n <= 5; n += 1) await keep(store, '0123456789', { ...path(n), mostBytes: 35 });
  const kept = [1, 2, 3, 4, 5].filter((n) => store.parts.find(path(n)) !== null);
  t.deepEqual(kept, [3, 4, 5]);
  t.is(bytesOf(store, { user: 'guest', path: '/of another' }), '0123456789');
  await keep(store, 'x'.repeat(30), { ...path(6), mostBytes: 35 });
  t.deepEqual(
    [3, 4, 5, 6].filter((n) => store.parts.find(path(n)) !== null),
    [6],
  );
});

test('an upload that goes on takes the bytes over without copying; the part stays until it is dropped', async (t) => {
  const { store, dirs } = await openedStore(t);
  const { id } = await keep(store, 'half');
  const { size, path = '' } = await store.parts.adopt({ ...GUEST, part: id, staged: 'goes-on-once' });
  t.is(size, 4);
  writeFileSync(path, ' and half', { flag: 'a' });
  t.is(bytesOf(store), 'half');
  // A second one at the same time gets bytes of its own.
  const second = await store.parts.adopt({ ...GUEST, part: id, staged: 'goes-on-twice' });
  writeFileSync(second.path ?? '', '-done otherwise', { flag: 'a' });
  const whole = 'half and half';
  await store.commit({
    id: operationId(),
    operation: { op: 'put', path: GUEST.path, size: whole.length, sha256: sha256Of(whole) },
    content: { staged: 'goes-on-once' },
  });
  t.is(await readThrough(store, GUEST.path), whole);
  // Before the part is dropped: nobody may write into what is a stored file by now.
  const third = await store.parts.adopt({ ...GUEST, part: id, staged: 'goes-on-thrice' });
  writeFileSync(third.path ?? '', '!!!!', { flag: 'r+' });
  t.is(readFileSync(join(dirs.filesDir, GUEST.path), 'utf8'), whole);
  t.true(await store.parts.drop(GUEST));
  t.is(readFileSync(join(dirs.filesDir, GUEST.path), 'utf8'), whole);
  t.is(readFileSync(second.path ?? '', 'utf8'), 'half-done otherwise');
  await t.throwsAsync(store.parts.adopt({ ...GUEST, part: id, staged: 'goes-on-later' }), {
    message: /not here any more/,
  });
});

test('an upload that goes on and breaks off again is kept in place of the part that it came from', async (t) => {
  const { store, dirs } = await openedStore(t);
  const { id } = await keep(store, 'half');
  const { path = '' } = await store.parts.adopt({ ...GUEST, part: id, staged: 'goes-on-once' });
  writeFileSync(path, ' and more', { flag: 'a' });
  const more = { size: 13, sha256: sha256Of('half and more'), over: null, keepMs: HOUR_MS };
  await store.parts.keep({ ...GUEST, staged: 'goes-on-once', ...more });
  t.is(bytesOf(store), 'half and more');
  t.is(readdirSync(join(dirs.filesDir, '.cloudroid/parts')).length, 2);
  t.is(await store.stagedSize('goes-on-once'), null);
});

test('bytes that an upload wrote behind a part before it was killed are cut off for the next', async (t) => {
  const { store } = await openedStore(t);
  const { id } = await keep(store, 'half');
  const first = await store.parts.adopt({ ...GUEST, part: id, staged: 'was-killed-here' });
  writeFileSync(first.path ?? '', ' of something that nobody finished', { flag: 'a' });
  t.is(bytesOf(store), 'half');
  await store.dropStaging('was-killed-here');
  const next = await store.parts.adopt({ ...GUEST, part: id, staged: 'the-next-one' });
  t.is(readFileSync(next.path ?? '', 'utf8'), 'half');
});

test('when space is short parts make room, the oldest first, and then the trash', async (t) => {
  const { store, dirs } = await openedStore(t, { reserveBytes: 0 });
  await put(store, '/f', 'old');
  await put(store, '/f', 'new');
  await keep(store, 'x'.repeat(1000), { user: 'older' });
  await keep(store, 'x'.repeat(1000), { user: 'newer' });
  const tooMuch = { sha256: sha256Of('new'), length: store.hello().freeBytes * 2 };
  await t.throwsAsync(store.stage({ id: 'far-too-much', prefix: tooMuch }), { message: /no room/ });
  t.deepEqual(store.parts.keys(), []);
  t.deepEqual(readdirSync(join(dirs.filesDir, '.cloudroid/parts')), []);
  t.deepEqual(readdirSync(join(dirs.filesDir, '.cloudroid/trash')), [], 'and it was still too much');
  const parts = partsAt(tempDirs(t).root, Date.now);
  for (const path of ['/1', '/2', '/3']) await parts.make('guest', path, 24);
  t.true(parts.all.makeRoom(5));
  t.deepEqual(parts.all.keys(), [partKey({ user: 'guest', path: '/3' })]);
  t.true(parts.all.makeRoom(5));
  t.false(parts.all.makeRoom(5));
});

test('two uploads to one path that break off at once leave one of them', async (t) => {
  const { store, dirs } = await openedStore(t);
  await Promise.all([keep(store, 'one'), keep(store, 'other')]);
  t.true(['one', 'other'].includes(bytesOf(store) ?? ''));
  t.is(readdirSync(join(dirs.filesDir, '.cloudroid/parts')).length, 2);
});
