/** Accounts of a lost catalog: back from what lies on the disk, by the word of the others, or of the operator. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { waitUntil } from '../network/wait-until.ts';
import type { StoreDirs } from './check-store.ts';
import { foreignRecord, openedStore, put, sha256Of, storeOptions, tempDirs } from './opened-store.ts';

const DIR = '/.cloudroid/users';
const MTIME = 1_700_000_000_000;

/** A store with these accounts and a file, closed; its catalog is gone. */
async function lostStore(
  t: ExecutionContext,
  accounts: { readonly [name: string]: string },
): Promise<StoreDirs> {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  for (const [name, text] of Object.entries(accounts)) await put(store, `${DIR}/${name}`, text, MTIME);
  await put(store, '/file', 'of users', MTIME);
  await store.close();
  for (const end of ['', '-wal', '-shm'])
    rmSync(join(dirs.stateDir, `catalog.sqlite${end}`), { force: true });
  return dirs;
}

async function until(store: Store, phase: RegExp | null): Promise<void> {
  await waitUntil('the rebuild goes on', () => {
    const { readOnly } = store.hello();
    return (phase === null ? readOnly === null : phase.test(readOnly ?? '')) ? null : String(readOnly);
  });
}

async function accountsOf(store: Store): Promise<{ readonly [name: string]: string }> {
  const { accounts } = await store.accounts.read({ digest: 'none yet' });
  return Object.fromEntries((accounts ?? []).map(({ name, text }) => [name, text]));
}

test('accounts of a lost catalog come back as the others know them, and no form of them is left anywhere', async (t) => {
  const dirs = await lostStore(t, { same: 'same', changed: 'old', removed: 'gone', mine: 'only here' });
  const { store } = await openedStore(t, { dirs });
  t.false(
    (await store.accounts.read({ digest: '' })).complete,
    'while it is rebuilt nobody logs in on its word',
  );
  await until(store, /compared with/);
  t.deepEqual(readdirSync(join(dirs.filesDir, DIR)), []);
  t.deepEqual(await accountsOf(store), {});
  const records = [
    foreignRecord(`${DIR}/same`, 'same', { mtime: MTIME + 1000 }),
    foreignRecord(`${DIR}/changed`, 'new'),
    foreignRecord(`${DIR}/removed`, null),
  ].map((record) => ({ record, base: null }));
  const exchange = {
    ...{ store: 'b', incarnation: 'bbbbbbbb', knowledge: { 'odroid-b-0002.bbbbbbbb': 1000 } },
    ...{ upTo: 1000, collectedStamp: 0 },
  };
  const { incarnation: receiver } = store.hello();
  const asked = await store.merge({ mode: 'complete', records, exchange, receiver });
  t.deepEqual(
    asked.need.map(({ sha256 }) => sha256),
    [sha256Of('new')],
    'what is on the disk is not fetched',
  );
  const content = { [sha256Of('new')]: { inline: Buffer.from('new').toString('base64') } };
  await store.merge({ mode: 'complete', records, content, exchange, receiver });
  store.disk.roundOver();
  await until(store, null);
  t.deepEqual(await accountsOf(store), { same: 'same', changed: 'new', mine: 'only here' });
  t.deepEqual(readdirSync(join(dirs.filesDir, DIR)).sort(), ['changed', 'mine', 'same']);
  t.is(statSync(join(dirs.filesDir, DIR, 'mine')).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(join(dirs.filesDir, '.cloudroid/trash')), []);
  t.false(existsSync(join(dirs.filesDir, '.cloudroid/salvage')));
  t.deepEqual(
    [...store.list('/')].map(({ path }) => path),
    ['/file'],
  );
});

test('a member that is alone takes its own accounts over when the operator says so', async (t) => {
  const dirs = await lostStore(t, { anna: 'a', bert: 'b' });
  const { store } = await openedStore(t, { dirs });
  await until(store, /compared with/);
  await store.disk.rebuildAlone();
  await until(store, null);
  t.deepEqual(await accountsOf(store), { anna: 'a', bert: 'b' });
  t.true((await store.accounts.read({ digest: '' })).complete, 'there is nobody to join');
});

test('what somebody put into the folder of accounts is no account after a rebuild either', async (t) => {
  const dirs = await lostStore(t, { anna: 'a' });
  const at = (name: string) => join(dirs.filesDir, DIR, name);
  writeFileSync(at('.hidden'), 'x');
  writeFileSync(at('not a name'), 'x');
  writeFileSync(at('big'), 'x'.repeat(20_000));
  symlinkSync('/etc/passwd', at('link'));
  mkdirSync(at('folder'));
  const { store } = await openedStore(t, { dirs });
  await until(store, /compared with/);
  await store.disk.rebuildAlone();
  await until(store, null);
  t.deepEqual(await accountsOf(store), { anna: 'a' });
  t.deepEqual(readdirSync(join(dirs.filesDir, DIR)).sort(), [
    '.hidden',
    'anna',
    'big',
    'folder',
    'link',
    'not a name',
  ]);
  t.false(existsSync(join(dirs.filesDir, 'recovered')));
});

test("another member's disk brings its files, but not its accounts", async (t) => {
  const theirs = await lostStore(t, { anna: 'of another network' });
  const mine = tempDirs(t);
  const dirs = { ...mine, filesDir: theirs.filesDir };
  const refused = await openStore(storeOptions(dirs, { member: 'odroid-n-0009' }));
  refused.disk.accept('files');
  await refused.close();
  const { store } = await openedStore(t, { dirs, member: 'odroid-n-0009' });
  await until(store, /compared with/);
  await store.disk.rebuildAlone();
  await until(store, null);
  t.deepEqual(await accountsOf(store), {});
  t.is(store.counts().files, 1);
  // It is none until somebody makes one of that name.
  t.is(readFileSync(join(dirs.filesDir, DIR, 'anna'), 'utf8'), 'of another network');
  await put(store, `${DIR}/anna`, 'made here');
  t.deepEqual(await accountsOf(store), { anna: 'made here' });
});

test('a rebuild takes no accounts through a link in the place of their folder', async (t) => {
  const dirs = await lostStore(t, { anna: 'a' });
  const outside = join(tempDirs(t).root, 'outside');
  renameSync(join(dirs.filesDir, DIR), outside);
  symlinkSync(outside, join(dirs.filesDir, DIR));
  const { store } = await openedStore(t, { dirs });
  await until(store, /compared with/);
  await store.disk.rebuildAlone();
  await until(store, null);
  t.deepEqual(await accountsOf(store), {});
  t.deepEqual(readdirSync(outside), ['anna']);
});
