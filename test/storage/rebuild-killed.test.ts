/** The process dies at every step of a rebuild; the next one goes on, and nothing is lost, doubled or brought back. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openStore } from '../../src/storage/store.ts';
import { checkStore, type StoreDirs } from './check-store.ts';
import { put, readThrough, storeOptions, tempDirs } from './opened-store.ts';
import { FILES, REBUILT, rebuild } from './rebuild-until-killed.ts';

const MTIME = 1_700_000_000_000;

async function lostStore(t: ExecutionContext): Promise<StoreDirs & { root: string }> {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  for (const [path, content] of Object.entries(FILES)) await put(store, path, content, MTIME);
  await store.close();
  return dirs;
}

function dieAt(root: string, failpoint: string): NodeJS.Signals | null {
  const program = join(import.meta.dirname, 'rebuild-until-killed.ts');
  const env = { ...process.env, CLOUDROID_FAILPOINT: failpoint };
  const ended = spawnSync(process.execPath, ['--no-warnings', program, root], { env, encoding: 'utf8' });
  if (ended.signal === null && ended.status !== 0) throw new Error(ended.stderr);
  return ended.signal;
}

const failpoints = [
  ...['identity:named', 'identity:catalog', 'identity:volume'],
  ...['rebuild:moved-one', 'rebuild:moved-one:3', 'rebuild:moved', 'rebuild:listed', 'rebuild:hashed-some'],
  ...['rebuild:pull', 'commit:after-transaction:3', 'commit:after-transaction:4', 'commit:renamed:4'],
  ...[
    'rebuild:settle',
    'rebuild:written',
    'rebuild:written:2',
    'rebuild:trashed',
    'rebuild:dropping',
    'rebuild:cleared',
  ],
];

for (const failpoint of failpoints) {
  test(`killed at ${failpoint}, a rebuild is finished by the next start`, async (t) => {
    const dirs = await lostStore(t);
    for (const end of ['', '-wal', '-shm'])
      rmSync(join(dirs.stateDir, `catalog.sqlite${end}`), { force: true });
    t.is(dieAt(dirs.root, failpoint), 'SIGKILL');
    const store = await openStore(storeOptions(dirs));
    await rebuild(store);
    for (const [path, content] of Object.entries(REBUILT))
      t.is(await readThrough(store, path), content, path);
    t.is(store.counts().files, Object.keys(REBUILT).length);
    t.is(store.disk.distrust(), null);
    await put(store, '/new', 'x');
    await store.close();
    t.deepEqual(checkStore(dirs), []);
    t.false(existsSync(join(dirs.filesDir, '.cloudroid/salvage')));
    const trash = join(dirs.filesDir, '.cloudroid/trash');
    t.deepEqual(
      readdirSync(trash).map((id) => readFileSync(join(trash, id), 'utf8')),
      ['deleted on the peer'],
    );
  });
}

test('killed while a damaged catalog is moved aside, the next start knows that it was no first one', async (t) => {
  const dirs = await lostStore(t);
  const catalog = join(dirs.stateDir, 'catalog.sqlite');
  writeFileSync(catalog, Buffer.alloc(statSync(catalog).size, 0x5a));
  t.is(dieAt(dirs.root, 'identity:aside'), 'SIGKILL');
  const store = await openStore(storeOptions(dirs));
  await rebuild(store);
  t.is(await readThrough(store, '/only/here'), 'never replicated');
  await store.close();
});

test('killed while a disk is replaced, the next start takes the new one', async (t) => {
  const dirs = await lostStore(t);
  rmSync(dirs.filesDir, { recursive: true });
  writeFileSync(join(dirs.stateDir, 'accept-disk'), 'empty\n');
  t.is(dieAt(dirs.root, 'identity:replaced'), 'SIGKILL');
  const store = await openStore(storeOptions(dirs));
  t.is(store.hello().readOnly, null);
  t.is(store.counts().files, 0);
  await store.close();
  t.false(existsSync(join(dirs.stateDir, 'accept-disk')));
});

for (const failpoint of ['identity:catalog', 'identity:volume']) {
  test(`killed at ${failpoint} of an ordinary start, nobody takes it for a restored backup`, async (t) => {
    const dirs = await lostStore(t);
    t.is(dieAt(dirs.root, failpoint), 'SIGKILL');
    const store = await openStore(storeOptions(dirs));
    t.is(store.disk.distrust(), null);
    t.is(await readThrough(store, '/same'), 'the same on both');
    await store.close();
  });
}
