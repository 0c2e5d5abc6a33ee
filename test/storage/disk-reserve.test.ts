/** What is kept free, and what it is for: on small file systems that really get full. Needs root. */
import { closeSync, existsSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import { Ballast } from '../../src/storage/disk/ballast.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store, StoreOptions } from '../../src/storage/store-api.ts';
import { checkStore } from './check-store.ts';
import { MEBIBYTE, mounted } from './mounted.ts';
import {
  change,
  foreignRecord,
  inlineContent,
  put,
  readThrough,
  storeOptions,
  tempDirs,
} from './opened-store.ts';

function freeBytes(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

/** Somebody else's file takes all but about so many bytes. */
function fillUpTo(dir: string, leave: number): void {
  const file = openSync(join(dir, 'somebody-elses'), 'w');
  try {
    for (const size of [MEBIBYTE, 4096]) {
      while (freeBytes(dir) - size >= leave) writeSync(file, Buffer.alloc(size, 'x'));
    }
  } finally {
    closeSync(file);
  }
}

async function refusedFor(t: ExecutionContext, attempt: Promise<unknown>): Promise<string> {
  const refused = await t.throwsAsync(attempt, { instanceOf: Refusal });
  t.is(refused.kind, 'no-space', refused.message);
  return refused.message;
}

/** A store whose catalog has a small disk of its own; closed and checked at the end. */
async function withCatalogOnSmallDisk(
  t: ExecutionContext,
  run: (parts: { store: Store; stateDir: string; options: StoreOptions }) => Promise<Store | undefined>,
): Promise<void> {
  const stateDir = mounted(t, 'ext4', 64 * MEBIBYTE);
  if (stateDir === undefined) return;
  const dirs = { filesDir: tempDirs(t).filesDir, stateDir };
  const options = storeOptions(dirs, { reserveBytes: 12 * MEBIBYTE });
  new Ballast(stateDir).keep();
  const store = await openStore(options);
  const last = await run({ store, stateDir, options });
  await (last ?? store).close();
  t.deepEqual(checkStore(dirs), []);
}

test.serial(
  'a nearly full disk under the catalog alone refuses new files, names itself, and lets delete',
  async (t) => {
    await withCatalogOnSmallDisk(t, async ({ store, stateDir }) => {
      await put(store, '/f', 'kept');
      await put(store, '/g', 'to go');
      t.true(store.hello().freeBytes > 0);
      fillUpTo(stateDir, 10 * MEBIBYTE);
      t.is(store.hello().freeBytes, 0);
      t.true((await refusedFor(t, put(store, '/h', 'x'))).includes(stateDir));
      await refusedFor(t, store.stage({ id: 'an-upload' }));
      const records = [{ record: foreignRecord('/i', 'z'), base: null }];
      await refusedFor(t, store.merge({ mode: 'push', records, content: inlineContent('z') }));
      await change(store, { op: 'mkdir', path: '/folders-take-little' });
      await change(store, { op: 'delete', path: '/g' });
      t.is(await readThrough(store, '/f'), 'kept');
      rmSync(join(stateDir, 'somebody-elses'));
      await put(store, '/h', 'x');
      return undefined;
    });
  },
);

test.serial('with half of the reserve gone only deletions go on', async (t) => {
  await withCatalogOnSmallDisk(t, async ({ store, stateDir }) => {
    await put(store, '/f', 'x');
    fillUpTo(stateDir, 5 * MEBIBYTE);
    await refusedFor(t, change(store, { op: 'mkdir', path: '/d' }));
    await refusedFor(t, change(store, { op: 'rename', from: '/f', to: '/g' }));
    await refusedFor(t, change(store, { op: 'touch', path: '/f', mtime: 0 }));
    await change(store, { op: 'delete', path: '/f' });
    return undefined;
  });
});

test.serial(
  'a disk that somebody else filled to its last byte still lets delete, also after a restart',
  async (t) => {
    await withCatalogOnSmallDisk(t, async ({ store, stateDir, options }) => {
      for (let n = 0; n < 200; n += 1) await put(store, `/f${n}`, `bytes ${n}`);
      // A start finds the smallest write-ahead log, so that it has to grow.
      await store.close();
      fillUpTo(stateDir, 0);
      const again = await openStore(options);
      t.is(again.hello().readOnly, null);
      await Promise.all(
        Array.from({ length: 200 }, (_, n) => change(again, { op: 'delete', path: `/f${n}` })),
      );
      t.false(existsSync(join(stateDir, 'ballast')), 'that is what it was for');
      await refusedFor(t, put(again, '/new', 'x'));
      return again;
    });
  },
);

test.serial('the ballast is given up while changes wait, and none of them is lost', async (t) => {
  await withCatalogOnSmallDisk(t, async ({ store, stateDir, options }) => {
    const paths = Array.from({ length: 400 }, (_, n) => `/${'long'.repeat(40)}/f${n}`);
    for (const path of paths) await put(store, path, path);
    await store.close();
    // Its write-ahead log is small again, so that it has to grow.
    const again = await openStore(options);
    fillUpTo(stateDir, 0);
    const gone = await Promise.allSettled(paths.map((path) => change(again, { op: 'delete', path })));
    t.deepEqual(
      gone.filter(({ status }) => status === 'rejected'),
      [],
    );
    for (const path of paths) t.is(again.record(path).entry, null);
    t.false(existsSync(join(stateDir, 'ballast')), 'that is what it was for');
    return again;
  });
});

test.serial('twenty uploads at once are refused before the disk is full', async (t) => {
  const filesDir = mounted(t, 'tmpfs', 40 * MEBIBYTE);
  if (filesDir === undefined) return;
  const dirs = { filesDir, stateDir: tempDirs(t).stateDir };
  const store = await openStore(storeOptions(dirs, { reserveBytes: 12 * MEBIBYTE }));
  const upload = async (n: number): Promise<void> => {
    const id = `upload-number-${n}`;
    await store.stage({ id }, 'peer');
    const writer = await store.writeStaging(id, 0);
    try {
      for (;;) await writer.write(Buffer.alloc(64 * 1024, n));
    } finally {
      await writer.abort();
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, n) => refusedFor(t, upload(n))));
  t.true(freeBytes(filesDir) > 4 * MEBIBYTE, `${freeBytes(filesDir)} bytes are left`);
  await store.close();
  t.deepEqual(checkStore(dirs), []);
});
