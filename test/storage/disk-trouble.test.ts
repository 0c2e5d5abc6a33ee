/** Real full disks (a small tmpfs, a small ext4 in a file) and a directory that nobody may change. Needs root. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { checkStore } from './check-store.ts';
import { MEBIBYTE, mounted } from './mounted.ts';
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

/** Puts files until there is no room; returns what was acknowledged. */
async function fill(
  store: Store,
  t: ExecutionContext,
  dirOf: (n: number) => string,
): Promise<Map<string, string>> {
  const acknowledged = new Map<string, string>();
  for (let n = 0; n < 5000; n += 1) {
    const path = `${dirOf(n)}/f${n}`;
    const content = `${n} `.repeat(1 + ((n * 997) % 7000));
    try {
      await put(store, path, content.slice(0, 30_000));
      acknowledged.set(path, content.slice(0, 30_000));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      t.is(error.kind, 'no-space', error.message);
      return acknowledged;
    }
  }
  throw new Error('the disk never got full');
}

async function proveFull(
  t: ExecutionContext,
  dirs: { filesDir: string; stateDir: string },
  one: boolean,
): Promise<void> {
  let store = await openStore(storeOptions(dirs, { reserveBytes: 0 }));
  const acknowledged = await fill(store, t, (n) => (one ? '/d' : `/d${n}`));
  t.true(acknowledged.size > 10);
  t.is(store.hello().readOnly, null, 'a full disk is no broken disk');
  for (let n = 0; n < 10; n += 1) {
    const refused = await t.throwsAsync(put(store, `/more${n}/f`, 'x'.repeat(32_000)), {
      instanceOf: Refusal,
    });
    t.is(refused.kind, 'no-space');
  }
  for (const [path, content] of acknowledged) t.is(await readThrough(store, path), content);
  await store.close();
  t.deepEqual(checkStore(dirs), []);

  store = await openStore(storeOptions(dirs, { reserveBytes: 0 }));
  const paths = [...acknowledged.keys()];
  for (const path of paths.slice(0, paths.length / 2)) await change(store, { op: 'delete', path });
  await put(store, '/after', 'there is room again');
  for (const path of paths.slice(paths.length / 2))
    t.is(await readThrough(store, path), acknowledged.get(path) ?? '');
  await store.close();
  t.deepEqual(checkStore(dirs), []);
}

for (const [kind, one] of [
  ['tmpfs', true],
  ['ext4', true],
  ['ext4', false],
] as const) {
  const where = one ? 'one directory' : 'many directories';
  test.serial(
    `a volume on ${kind} filled through ${where} refuses, keeps all it acknowledged and goes on`,
    async (t) => {
      const filesDir = mounted(t, kind, kind === 'tmpfs' ? 3 * MEBIBYTE : 4 * MEBIBYTE);
      if (filesDir === undefined) return;
      await proveFull(t, { filesDir, stateDir: tempDirs(t).stateDir }, one);
    },
  );
}

test.serial('a full disk under the catalog refuses and keeps all that was acknowledged', async (t) => {
  const stateDir = mounted(t, 'tmpfs', 1.5 * MEBIBYTE);
  if (stateDir === undefined) return;
  const dirs = { filesDir: tempDirs(t).filesDir, stateDir };
  const store = await openStore(storeOptions(dirs));
  const acknowledged = await fill(
    store,
    t,
    () => '/a-directory-with-a-longer-name-to-fill-the-catalog-sooner',
  );
  for (const [path, content] of acknowledged) t.is(await readThrough(store, path), content);
  await store.close();
  t.deepEqual(checkStore(dirs, { settled: false }), []);
});

test.serial('the reserve refuses new bytes early, deletes still work', async (t) => {
  const filesDir = mounted(t, 'tmpfs', 8 * MEBIBYTE);
  if (filesDir === undefined) return;
  const dirs = { filesDir, stateDir: tempDirs(t).stateDir };
  const first = await openStore(storeOptions(dirs, { reserveBytes: 0 }));
  await put(first, '/f', 'x');
  await first.close();
  const { store } = await openedStore(t, { dirs, reserveBytes: 9 * MEBIBYTE });
  t.is(store.hello().freeBytes, 0);
  t.is((await t.throwsAsync(put(store, '/g', 'y'), { instanceOf: Refusal })).kind, 'no-space');
  t.is((await t.throwsAsync(store.stage({ id: 'an-upload' }), { instanceOf: Refusal })).kind, 'no-space');
  const pushed = foreignRecord('/h', 'z');
  const merge = store.merge({
    mode: 'push',
    records: [{ record: pushed, base: null }],
    content: inlineContent('z'),
  });
  t.is((await t.throwsAsync(merge, { instanceOf: Refusal })).kind, 'no-space');
  await change(store, { op: 'delete', path: '/f' });
  t.is(store.record('/f').entry, null);
  t.deepEqual(readdirSync(join(filesDir, '.cloudroid/trash')), [], 'a short disk keeps nothing in the trash');
});

test.serial(
  'a directory that may not be changed refuses with io, names the path and stops nothing else',
  async (t) => {
    const logged: object[] = [];
    const { store, dirs } = await openedStore(t, {
      log: (_level, message, details) => logged.push({ message, ...details }),
    });
    await put(store, '/locked/f', 'old');
    const locked = join(dirs.filesDir, 'locked');
    try {
      execFileSync('chattr', ['+i', locked], { stdio: 'pipe' });
    } catch {
      t.log('SKIPPED: chattr +i is not allowed here');
      t.pass();
      return;
    }
    try {
      for (const attempt of [
        put(store, '/locked/f', 'new'),
        put(store, '/locked/sub/g', 'new'),
        change(store, { op: 'delete', path: '/locked/f' }),
      ]) {
        const error = await t.throwsAsync(attempt, { instanceOf: Refusal });
        t.is(error.kind, 'io');
        t.regex(error.message, /denies permission for \/locked\//);
        t.false(error.message.includes(dirs.filesDir));
      }
      t.true(JSON.stringify(logged).includes(locked));
      await put(store, '/elsewhere', 'x');
      t.is(await readThrough(store, '/locked/f'), 'old');
    } finally {
      execFileSync('chattr', ['-i', locked]);
    }
    await put(store, '/locked/f', 'new');
    t.is(await readThrough(store, '/locked/f'), 'new');
  },
);
