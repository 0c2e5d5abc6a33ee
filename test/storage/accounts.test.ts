/** Accounts as files of a store: where they may be, what is kept of them, what readers of all kinds see of them. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
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
import test from 'ava';
import type { Operation } from '../../src/replication/operation.ts';
import { Refusal } from '../../src/replication/operation.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { Volume } from '../../src/storage/disk/volume.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { checkStore, type StoreDirs } from './check-store.ts';
import { change, openedStore, operationId, put, sha256Of, storeOptions, tempDirs } from './opened-store.ts';

const DIR = '/.cloudroid/users';

async function namesAndTexts(store: Store): Promise<[string, string][]> {
  const { accounts } = await store.accounts.read({ digest: 'none yet' });
  return (accounts ?? []).map(({ name, text }) => [name, text]);
}

function inTrash(dirs: StoreDirs): string[] {
  return readdirSync(join(dirs.filesDir, '.cloudroid/trash'));
}

function recordsOf(store: Store): ReplicaRecord[] {
  return [...store.changes(0).records];
}

test('an account lies in a folder and a file that nobody else can read, and users see nothing of it', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/seen', 'x');
  await put(store, `${DIR}/anna`, '{"a":1}');
  t.is(readFileSync(join(dirs.filesDir, DIR, 'anna'), 'utf8'), '{"a":1}');
  t.is(statSync(join(dirs.filesDir, DIR, 'anna')).mode & 0o777, 0o600);
  t.is(statSync(join(dirs.filesDir, DIR)).mode & 0o777, 0o700);
  t.is(statSync(join(dirs.filesDir, '.cloudroid/staging')).mode & 0o777, 0o700);
  t.deepEqual(
    [...store.list('/')].map(({ path }) => path),
    ['/seen'],
  );
  t.is(store.record('/.cloudroid').entry, null);
  t.is(store.record(DIR).entry, null);
  t.throws(() => store.list(DIR), { message: /no such directory/ });
  t.deepEqual(store.counts(), { files: 1, directories: 0, bytes: 1, conflicts: 0, trashBytes: 0 });
  t.deepEqual(await store.accounts.usage('/'), { bytes: 1, files: 1 });
  t.deepEqual(await namesAndTexts(store), [['anna', '{"a":1}']]);
  t.true(recordsOf(store).some(({ path }) => path === `${DIR}/anna`));
});

test('a store that is opened again counts no accounts among the files of users', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await put(store, '/seen', 'x');
  await put(store, `${DIR}/anna`, 'text');
  await store.close();
  const again = await openedStore(t, { dirs });
  t.deepEqual(again.store.counts(), { files: 1, directories: 0, bytes: 1, conflicts: 0, trashBytes: 0 });
  t.deepEqual(await namesAndTexts(again.store), [['anna', 'text']]);
});

test('the old password of a changed or removed account is nowhere on the disk, nor among what can be restored', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, `${DIR}/anna`, 'old secret');
  await put(store, `${DIR}/anna`, 'new secret');
  await put(store, `${DIR}/anna`, 'new secret', 1_700_000_000_000);
  await change(store, { op: 'delete', path: `${DIR}/anna` });
  t.false(existsSync(join(dirs.filesDir, DIR, 'anna')));
  t.deepEqual(inTrash(dirs), []);
  t.deepEqual([...store.attic.trash()], []);
  t.deepEqual(await namesAndTexts(store), []);
});

test('only files of a sound name, of their size, in just that folder are accounts', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/a', 'x');
  await put(store, `${DIR}/anna`, 'x');
  const file = (path: string): Operation => ({ op: 'put', path, size: 1, sha256: sha256Of('x') });
  const refused: Operation[] = [
    ...[
      '/.cloudroid',
      DIR,
      `${DIR}/`,
      `${DIR}/a/b`,
      '/.cloudroid/x',
      '/.cloudroid/users.d/x',
      '/.cloudroid/staging/12345678',
      '/.CLOUDROID/users/a',
      '/.Cloudroid',
      '/a/.cloudroid/users/a',
      `${DIR}/.hidden`,
      `${DIR}/..`,
      `${DIR}/a b`,
      `${DIR}/ä`,
      `${DIR}/${'n'.repeat(65)}`,
    ].map(file),
    { op: 'mkdir', path: `${DIR}/a` },
    { op: 'mkdir', path: '/.cloudroid' },
    { op: 'mkdir', path: '/.CLOUDROID' },
    { op: 'rmdir', path: DIR },
    { op: 'rename', from: '/a', to: `${DIR}/b` },
    { op: 'rename', from: `${DIR}/anna`, to: '/b' },
    { op: 'rename', from: `${DIR}/anna`, to: `${DIR}/b` },
    { op: 'rename', from: DIR, to: '/b' },
    { op: 'rename', from: '/.cloudroid', to: '/b' },
    { op: 'touch', path: `${DIR}/anna`, mtime: 1 },
    { op: 'delete', path: DIR },
  ];
  const content = { inline: Buffer.from('x').toString('base64') };
  for (const operation of refused) {
    const error = await t.throwsAsync(
      store.commit({ id: operationId(), operation, ...(operation.op === 'put' && { content }) }),
      { instanceOf: Refusal },
      JSON.stringify(operation),
    );
    t.true(
      ['forbidden-name', 'invalid'].includes(error?.kind ?? ''),
      JSON.stringify([operation, error?.kind]),
    );
  }
  await t.throwsAsync(put(store, `${DIR}/big`, 'x'.repeat(16 * 1024 + 1)), { message: /too much/ });
  await put(store, `${DIR}/${'n'.repeat(64)}`, 'x'.repeat(16 * 1024));
  t.is((await namesAndTexts(store)).length, 2);
  t.is(recordsOf(store).length, 3);
});

test('records of a peer that are no accounts are refused whole', async (t) => {
  const { store } = await openedStore(t);
  const good = (await put(store, `${DIR}/anna`, 'x')).pushed?.[0]?.record;
  if (good === undefined) throw new Error('no record');
  const other = { ...good, dot: ['other.1', 1] as const, context: { 'other.1': 1 } };
  const bad: Partial<ReplicaRecord>[] = [
    { kind: 'directory', size: 0, sha256: '' },
    { size: 16 * 1024 + 1 },
    { kept: [['third.1', 1]] },
    { dot: ['*other.1', 1] },
    { path: `${DIR}/a/b` },
    { path: DIR },
    { path: '/.cloudroid/x' },
  ];
  for (const each of bad) {
    const records = [{ record: { ...other, ...each }, base: null }];
    await t.throwsAsync(
      store.merge({ mode: 'push', records }),
      { instanceOf: Refusal },
      JSON.stringify(each),
    );
  }
});

test('of two concurrent changes of an account the later stands on both, without a copy', async (t) => {
  const [a, b] = [await openedStore(t, { member: 'a-1' }), await openedStore(t, { member: 'b-1' })];
  const mine = (await put(a.store, `${DIR}/anna`, 'from a')).pushed ?? [];
  await new Promise((resolve) => setTimeout(resolve, 5));
  const theirs = (await put(b.store, `${DIR}/anna`, 'from b')).pushed ?? [];
  const give = async (to: Store, records: typeof mine, text: string) =>
    await to.merge({
      mode: 'push',
      records,
      content: { [sha256Of(text)]: { inline: Buffer.from(text).toString('base64') } },
    });
  t.deepEqual((await give(a.store, theirs, 'from b')).outcomes, ['conflict']);
  t.deepEqual((await give(b.store, mine, 'from a')).outcomes, ['conflict']);
  for (const { store, dirs } of [a, b]) {
    t.deepEqual(await namesAndTexts(store), [['anna', 'from b']]);
    t.is(recordsOf(store).length, 1);
    t.deepEqual(inTrash(dirs), []);
    t.is(store.counts().conflicts, 0);
  }
  t.deepEqual(recordsOf(a.store), recordsOf(b.store));
  t.is(a.store.hello().tree, b.store.hello().tree);
});

test('the digest is empty only where there never was an account', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  t.deepEqual(await store.accounts.read({ digest: '' }), { digest: '', complete: false, accounts: null });
  await put(store, `${DIR}/anna`, 'x');
  const { digest } = await store.accounts.read({ digest: '' });
  t.not(digest, '');
  t.deepEqual(await store.accounts.read({ digest }), { digest, complete: false, accounts: null });
  await change(store, { op: 'delete', path: `${DIR}/anna` });
  const gone = await store.accounts.read({ digest });
  t.not(gone.digest, digest);
  t.not(gone.digest, '');
  t.deepEqual(gone.accounts, []);
  await store.close();
  // A year later: deletions that everybody knows are forgotten, but not those of accounts.
  const later = await openedStore(t, { dirs, now: () => Date.now() + 365 * 24 * 3600 * 1000 });
  await put(later.store, '/f', 'x');
  await later.store.members.collect({ members: [], knowledge: {} });
  t.is((await later.store.accounts.read({ digest })).digest, gone.digest);
});

test('a new store is complete when it has joined the others', async (t) => {
  const { store } = await openedStore(t);
  t.false((await store.accounts.read({ digest: '' })).complete);
  await store.members.join({ met: ['other-1'], retired: [], joined: true });
  t.true((await store.accounts.read({ digest: '' })).complete);
});

test('many accounts come in several parts', async (t) => {
  const { store } = await openedStore(t);
  const text = (n: number) => `${n}${'\u0001'.repeat(16_000)}`;
  for (let n = 100; n < 112; n += 1) await put(store, `${DIR}/u${n}`, text(n));
  const seen: string[] = [];
  let parts = 0;
  for (let after: string | undefined = ''; after !== undefined; parts += 1) {
    const reply = await store.accounts.read({ digest: 'x', after });
    t.true(JSON.stringify(reply).length < 1024 * 1024);
    for (const file of reply.accounts ?? []) seen.push(file.name);
    after = reply.more === true ? seen.at(-1) : undefined;
  }
  t.is(parts, 3);
  t.deepEqual(
    seen,
    Array.from({ length: 12 }, (_, n) => `u${100 + n}`),
  );
});

test('a file of an account that was edited by hand is never taken for it', async (t) => {
  const dirs = tempDirs(t);
  let store = await openStore(storeOptions(dirs));
  await put(store, `${DIR}/anna`, 'right');
  const { digest } = await store.accounts.read({ digest: '' });
  await store.close();
  writeFileSync(join(dirs.filesDir, DIR, 'anna'), 'wrong');
  store = await openStore(storeOptions(dirs));
  t.teardown(() => store.close());
  let sweeps = 0;
  store.disk.onSweepWanted(() => {
    sweeps += 1;
  });
  const reply = await store.accounts.read({ digest });
  t.deepEqual(reply.accounts, [{ name: 'anna', text: '' }]);
  await store.accounts.read({ digest });
  t.is(sweeps, 1, 'the next round looks at it, and is asked for once');
  t.not(reply.digest, '');
  t.deepEqual(store.upkeep.takeSuspects(), [`${DIR}/anna`]);
  const [entry] = [...store.upkeep.folder(DIR)];
  if (entry?.kind !== 'file' || entry.ino === null || entry.mtimeNs === null) throw new Error('no entry');
  const { path, sha256, ino, mtimeNs } = entry;
  t.true(await store.upkeep.damaged({ path, sha256, ino, mtimeNs, why: 'changed' }));
  t.deepEqual(inTrash(dirs), []);
  // Put back by hand, from a backup: that is it again.
  writeFileSync(join(dirs.filesDir, DIR, 'anna'), 'right', { mode: 0o644 });
  t.is(await store.upkeep.repair(sha256Of('right')), 1);
  t.deepEqual(await namesAndTexts(store), [['anna', 'right']]);
  t.is(statSync(join(dirs.filesDir, DIR, 'anna')).mode & 0o777, 0o600);
  t.is((await store.accounts.read({ digest: '' })).digest, digest);
  t.deepEqual(checkStore(dirs, { settled: false }), []);
});

test('an account replaces or removes whatever lies in its place, and keeps none of it', async (t) => {
  const { store, dirs } = await openedStore(t);
  mkdirSync(join(dirs.filesDir, DIR), { recursive: true });
  writeFileSync(join(dirs.filesDir, DIR, 'anna'), 'put there by hand');
  t.deepEqual(await namesAndTexts(store), []);
  await put(store, `${DIR}/anna`, 'x');
  t.deepEqual(await namesAndTexts(store), [['anna', 'x']]);
  // An editor that renames: another inode.
  rmSync(join(dirs.filesDir, DIR, 'anna'));
  writeFileSync(join(dirs.filesDir, DIR, 'anna'), 'edited');
  await change(store, { op: 'delete', path: `${DIR}/anna` });
  t.deepEqual(readdirSync(join(dirs.filesDir, DIR)), []);
  t.deepEqual(inTrash(dirs), []);
  t.is(store.counts().trashBytes, 0);
});

test('a folder of the accounts that is gone, or open to all, is made and closed again', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  rmSync(join(dirs.filesDir, DIR), { recursive: true });
  await put(store, `${DIR}/anna`, 'x');
  t.is(statSync(join(dirs.filesDir, DIR)).mode & 0o777, 0o700);
  await store.close();
  chmodSync(join(dirs.filesDir, DIR), 0o755);
  await openedStore(t, { dirs });
  t.is(statSync(join(dirs.filesDir, DIR)).mode & 0o777, 0o700);
});

test('nothing is restored from the trash to the place of an account', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/f', 'x');
  await change(store, { op: 'delete', path: '/f' });
  const [entry] = [...store.attic.trash()];
  if (entry === undefined) throw new Error('nothing in the trash');
  await t.throwsAsync(store.attic.restore({ id: entry.id, to: `${DIR}/anna` }), { instanceOf: Refusal });
  t.deepEqual(await namesAndTexts(store), []);
});

test('a file of a user with the very bytes of an account has them for itself', async (t) => {
  const { store, dirs } = await openedStore(t);
  const mtime = 1_700_000_000_000;
  await put(store, `${DIR}/anna`, 'same', mtime);
  const sha256 = sha256Of('same');
  await store.commit({ id: operationId(), operation: { op: 'put', path: '/f', size: 4, sha256, mtime } });
  await store.commit({
    id: operationId(),
    operation: { op: 'put', path: `${DIR}/bert`, size: 4, sha256, mtime },
  });
  const inode = (path: string) => statSync(join(dirs.filesDir, path)).ino;
  t.is(new Set([inode('/f'), inode(`${DIR}/anna`), inode(`${DIR}/bert`)]).size, 3);
  t.is(statSync(join(dirs.filesDir, DIR, 'bert')).mode & 0o777, 0o600);
});

test('what a directory takes up is counted once and stays true with every change', async (t) => {
  const { store } = await openedStore(t);
  for (let n = 0; n < 30; n += 1) await put(store, `/home/anna/${n}`, 'x'.repeat(n));
  await put(store, '/home/annabel', 'not hers');
  await put(store, `${DIR}/anna`, 'x');
  t.deepEqual(await store.accounts.usage('/home/anna'), { bytes: 435, files: 30 });
  t.deepEqual(await store.accounts.usage('/nowhere'), { bytes: 0, files: 0 });
  const asked = store.accounts.usage('/home');
  const written = put(store, '/home/anna/sub/one', 'xx');
  await Promise.all([asked, written]);
  t.deepEqual(await store.accounts.usage('/home'), { bytes: 445, files: 32 });
  await change(store, { op: 'delete', path: '/home/anna/29' });
  await put(store, '/home/anna/28', '');
  await change(store, { op: 'rename', from: '/home/anna/27', to: '/elsewhere' });
  await t.throwsAsync(put(store, '/home/anna', 'a folder is there'));
  t.deepEqual(await store.accounts.usage('/home/anna'), { bytes: 435 + 2 - 29 - 28 - 27, files: 29 });
  t.deepEqual(await store.accounts.usage('/nowhere'), { bytes: 0, files: 0 });
  await Promise.all([put(store, '/both', 'xx'), put(store, '/both', 'xxxx'), put(store, '/both', 'xx')]);
  t.deepEqual(await store.accounts.usage('/both'), { bytes: 0, files: 0 }, 'it is no directory');
  const all = await store.accounts.usage('/');
  await put(store, `${DIR}/bert`, 'an account is not what users have stored');
  // Those that are written at once wait for each other, and are planned again.
  await Promise.all(['xx', 'xxxx', 'xx'].map((text) => put(store, '/again', text)));
  const last = store.record('/again').entry?.size ?? 0;
  t.deepEqual(await store.accounts.usage('/'), { bytes: all.bytes + last, files: all.files + 1 });
  await put(store, '/nowhere/f', randomBytes(8).toString('hex'));
  t.deepEqual(await store.accounts.usage('/nowhere'), { bytes: 16, files: 1 });
});

test('a step that puts an account in place leaves nothing of what came there since it was planned', (t) => {
  const { filesDir } = tempDirs(t);
  for (const dir of [DIR, '/.cloudroid/staging', '/.cloudroid/trash'])
    mkdirSync(filesDir + dir, { recursive: true });
  const displaced: string[] = [];
  const volume = new Volume(filesDir, ({ place }) => displaced.push(place));
  const publish = (place: string) => {
    writeFileSync(join(volume.stagingDir, 'staged-1'), 'right');
    writeFileSync(filesDir + place, 'by hand');
    volume.carryOut({ action: 'publish', place, staged: 'staged-1', ino: null }, new Set());
    return readFileSync(filesDir + place, 'utf8');
  };
  t.is(publish(`${DIR}/anna`), 'right');
  t.deepEqual(displaced, []);
  t.is(publish('/file'), 'right');
  t.deepEqual(displaced, ['/file'], 'a file of users goes to the trash');
});

test('a link in the place of the folder of accounts is not followed', async (t) => {
  const dirs = tempDirs(t);
  const outside = join(dirs.root, 'outside');
  mkdirSync(outside, { mode: 0o755 });
  const first = await openStore(storeOptions(dirs));
  await first.close();
  rmSync(join(dirs.filesDir, DIR), { recursive: true });
  symlinkSync(outside, join(dirs.filesDir, DIR));
  const { store } = await openedStore(t, { dirs });
  t.is(statSync(outside).mode & 0o777, 0o755);
  await put(store, `${DIR}/anna`, 'x');
  t.deepEqual(readdirSync(outside), []);
  t.is(statSync(join(dirs.filesDir, DIR)).mode & 0o777, 0o700);
  t.deepEqual(await namesAndTexts(store), [['anna', 'x']]);
});
