/** Files that somebody else put into the volume, with sudo say: they are not ours to date or to link, and stop nothing. */
import { spawn } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { checkStore } from './check-store.ts';
import { change, openedStore, put, readThrough, tempDirs } from './opened-store.ts';

const isRoot = process.getuid?.() === 0;

test("another user's files are dated, replaced, deleted and renamed like ours, and kept in the trash", async (t) => {
  if (!isRoot) {
    t.log('SKIPPED: not root');
    t.pass();
    return;
  }
  const dirs = tempDirs(t);
  const child = spawn(process.execPath, [join(import.meta.dirname, 'store-as-nobody.ts'), dirs.root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const result: unknown = JSON.parse(await text(child.stdout));
  t.like(result, {
    said: {
      touch: 'done',
      again: 'done',
      delete: 'done',
      replace: 'done',
      rename: 'done',
      another: 'done',
    },
    readOnly: null,
    times: [1_500_000_000_000, 1_500_000_000_000],
    trash: ['/deleted', '/replaced', '/sticky/f'],
  });
  const { stuck, unstuck } = result as { stuck: [boolean, string]; unstuck: unknown };
  t.true(stuck[0]);
  t.regex(stuck[1], /the disk refuses a change that was decided \(\/sticky\/f: EPERM/);
  t.deepEqual(unstuck, [false, null]);
  t.deepEqual(checkStore(dirs), []);
  t.is(readFileSync(join(dirs.filesDir, 'moved'), 'utf8'), 'content of /renamed');
  t.is(readFileSync(join(dirs.filesDir, 'replaced'), 'utf8'), 'something else');
});

test('a file that took the place of a folder makes way for what is stored below the folder', async (t) => {
  const { store, dirs } = await openedStore(t);
  await change(store, { op: 'mkdir', path: '/d' });
  await put(store, '/d/f', 'stored');
  const aside = join(dirs.filesDir, '..', 'aside');
  renameSync(join(dirs.filesDir, 'd'), aside);
  writeFileSync(join(dirs.filesDir, 'd'), 'from outside');
  await put(store, '/d/g', 'below');
  await put(store, '/d/f', 'stored again');
  t.is(store.hello().readOnly, null);
  for (const [path, content] of [
    ['/d/f', 'stored again'],
    ['/d/g', 'below'],
  ] as const)
    t.is(await readThrough(store, path), content);
  const found = [...store.attic.trash()].find(({ path }) => path === '/d');
  t.is(readFileSync(join(dirs.filesDir, '.cloudroid', 'trash', found?.id ?? ''), 'utf8'), 'from outside');
});
