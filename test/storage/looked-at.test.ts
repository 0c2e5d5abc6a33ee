/** Nothing on the catalog's word alone, and nothing taken back that may be durable: what a review of the store has found. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import { openStore } from '../../src/storage/store.ts';
import type { StoreDirs } from './check-store.ts';
import {
  change,
  foreignRecord,
  inlineContent,
  operationId,
  put,
  readThrough,
  sha256Of,
  storeOptions,
  tempDirs,
} from './opened-store.ts';

const TIME = 1_700_000_000_000;

/** The catalog as a power cut would leave it now, beside the same volume. */
function afterPowerCut({ root, filesDir, stateDir }: StoreDirs & { readonly root: string }) {
  const copy = { root, filesDir, stateDir: join(root, 'after') };
  mkdirSync(copy.stateDir);
  for (const name of readdirSync(stateDir)) {
    if (!name.startsWith('catalog') || name.endsWith('-shm')) continue;
    writeFileSync(join(copy.stateDir, name), readFileSync(join(stateDir, name)));
  }
  return copy;
}

test('an upload of the same content over a file that was removed or changed from outside is stored', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  const path = join(dirs.filesDir, 'b');
  await put(store, '/b', 'precious', TIME);
  for (const mtime of [TIME, TIME + 1000]) {
    rmSync(path);
    await put(store, '/b', 'precious', mtime);
    t.is(readFileSync(path, 'utf8'), 'precious');
    writeFileSync(path, 'WRONG!!!');
    await put(store, '/b', 'precious', mtime);
    t.is(readFileSync(path, 'utf8'), 'precious');
    t.is(await readThrough(store, '/b'), 'precious');
  }
  await store.close();
});

test('another time for a file that was changed from outside does not make its bytes trusted', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await put(store, '/b', 'precious', TIME);
  writeFileSync(join(dirs.filesDir, 'b'), 'WRONG!!!');
  await change(store, { op: 'touch', path: '/b', mtime: TIME + 5000 }).catch(() => undefined);
  await t.throwsAsync(readThrough(store, '/b'), { instanceOf: Refusal });
  await store.close();
});

test('a rename over a lost file of the same content leaves the bytes there', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await put(store, '/a', 'precious', TIME);
  await put(store, '/b', 'precious', TIME);
  rmSync(join(dirs.filesDir, 'b'));
  await change(store, { op: 'rename', from: '/a', to: '/b' });
  t.is(await readThrough(store, '/b'), 'precious');
  await store.close();
});

test.serial(
  'a commit that fails without saying that it is undone destroys nothing, whatever the next start finds',
  async (t) => {
    const dirs = tempDirs(t);
    const store = await openStore(storeOptions(dirs));
    await put(store, '/a', 'precious', TIME);
    await put(store, '/other', 'y');
    const real = DatabaseSync.prototype.exec;
    let armed = true;
    // SQLITE_IOERR_FSYNC after the frames were written.
    DatabaseSync.prototype.exec = function exec(sql: string) {
      real.call(this, sql);
      if (sql !== 'COMMIT' || !armed) return;
      armed = false;
      throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 1034 });
    };
    try {
      await t.throwsAsync(change(store, { op: 'rename', from: '/a', to: '/b' }));
    } finally {
      DatabaseSync.prototype.exec = real;
    }
    await t.throwsAsync(put(store, '/more', 'x'), { instanceOf: Refusal });
    const again = await openStore(storeOptions(afterPowerCut(dirs)));
    t.is(again.hello().readOnly, null);
    const there = ['a', 'b'].filter((name) => existsSync(join(dirs.filesDir, name)));
    t.deepEqual(there, ['b']);
    t.is(readFileSync(join(dirs.filesDir, 'b'), 'utf8'), 'precious');
    await again.close();
    await store.close().catch(() => undefined);
  },
);

test('a folder that got the inode of a file that went is no obstacle to the next start', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  let reused = false;
  for (let n = 0; n < 8 && !reused; n += 1) {
    await put(store, `/d/e${n}`, '');
    const { ino } = statSync(join(dirs.filesDir, `d/e${n}`));
    await Promise.all([
      change(store, { op: 'delete', path: `/d/e${n}` }),
      change(store, { op: 'mkdir', path: '/d' }).catch(() => undefined),
      change(store, { op: 'mkdir', path: `/d/e${n}` }).catch(() => undefined),
    ]);
    const there = lstatSync(join(dirs.filesDir, `d/e${n}`), { throwIfNoEntry: false });
    reused = there?.isDirectory() === true && there.ino === ino;
  }
  if (!reused) t.log('skipped: this file system gave no folder the inode of a file that went');
  const again = await openStore(storeOptions(afterPowerCut(dirs)));
  t.is(again.hello().readOnly, null);
  await again.close();
  await store.close().catch(() => undefined);
});

test('a staged file is not written again while its commit waits', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  const id = 'upload-0001';
  await store.stage({ id }, 'peer');
  const first = await store.writeStaging(id, 0);
  await first.write(Buffer.from('precious'));
  await first.end();
  const others = Array.from({ length: 20 }, (_, n) => put(store, `/o${n}`, `o${n}`));
  const operation = { op: 'put', path: '/p', size: 8, sha256: sha256Of('precious') } as const;
  const committed = store.commit({ id: operationId(), operation, content: { staged: id } });
  const again = await store.writeStaging(id, 0).catch((error: unknown) => error);
  t.true(again instanceof Refusal && again.kind === 'busy');
  await committed;
  await Promise.all(others);
  t.is(readFileSync(join(dirs.filesDir, 'p'), 'utf8'), 'precious');
  await store.close();
});

test.serial('a cursor is told as it is durable', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  const peer = { store: 'peer', incarnation: 'inc1' };
  const record = foreignRecord('/z', 'precious');
  const merging = store.merge({
    mode: 'complete',
    records: [{ record, base: null }],
    content: inlineContent('precious'),
    exchange: { ...peer, upTo: 500, knowledge: record.context, collectedStamp: 0 },
    receiver: store.hello().incarnation,
  });
  const real = DatabaseSync.prototype.exec;
  let told = -1;
  DatabaseSync.prototype.exec = function exec(sql: string) {
    if (sql === 'COMMIT' && told < 0) told = store.cursor(peer).after;
    real.call(this, sql);
  };
  try {
    await merging;
  } finally {
    DatabaseSync.prototype.exec = real;
  }
  t.is(told, 0);
  t.is(store.cursor(peer).after, 500);
  await store.close();
});

test('an edit is not set aside by a report about the file that was there before', async (t) => {
  const dirs = tempDirs(t);
  const store = await openStore(storeOptions(dirs));
  await put(store, '/b', 'precious', TIME);
  const [known] = store.upkeep.files('');
  writeFileSync(join(dirs.filesDir, 'b'), 'edited by ssh');
  const { ino, mtimeNs } = lstatSync(join(dirs.filesDir, 'b'), { bigint: true });
  const adoption = {
    path: '/b',
    sha256: sha256Of('edited by ssh'),
    size: 13,
    ino: String(ino),
    mtimeNs: String(mtimeNs),
  };
  const report = {
    path: '/b',
    sha256: known?.sha256 ?? '',
    ino: known?.ino ?? '',
    mtimeNs: known?.mtimeNs ?? '',
    why: 'rotten',
  } as const;
  // All in one group.
  const [, , damaged] = await Promise.all([
    put(store, '/busy', 'busy'),
    store.upkeep.adopt(adoption),
    store.upkeep.damaged(report),
  ]);
  t.false(damaged);
  t.is(await readThrough(store, '/b'), 'edited by ssh');
  await store.close();
});
