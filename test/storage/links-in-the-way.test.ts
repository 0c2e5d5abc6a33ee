/** Somebody with a shell replaced a folder of the volume by a symbolic link: nothing behind it is ours. */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Store } from '../../src/storage/store-api.ts';
import { change, openedStore, put } from './opened-store.ts';

interface Swapped {
  readonly store: Store;
  readonly filesDir: string;
  readonly outside: string;
}

/** `/d/f` was stored; then `/d` became a link to a folder outside with a file of that name, `same`: with that very inode. */
async function swapped(t: ExecutionContext, which: 'same' | 'another'): Promise<Swapped> {
  const { store, dirs } = await openedStore(t, { ignore: ['/d', '/d/f', '/d/sub'] });
  const outside = join(dirs.filesDir, '..', 'outside');
  await change(store, { op: 'mkdir', path: '/d' });
  await put(store, '/d/f', 'stored');
  await change(store, { op: 'mkdir', path: '/d/sub' });
  if (which === 'same') {
    renameSync(join(dirs.filesDir, 'd'), outside);
  } else {
    renameSync(join(dirs.filesDir, 'd'), join(dirs.filesDir, '..', 'aside'));
    mkdirSync(join(outside, 'sub'), { recursive: true });
    writeFileSync(join(outside, 'f'), 'not ours');
  }
  symlinkSync(outside, join(dirs.filesDir, 'd'));
  return { store, filesDir: dirs.filesDir, outside };
}

for (const which of ['same', 'another'] as const) {
  const picture = ({ outside }: Swapped) => [
    readdirSync(outside).sort(),
    readFileSync(join(outside, 'f'), 'utf8'),
    statSync(join(outside, 'f')).mtimeMs,
  ];

  test(`deleting, removing and dating leave what is behind the link alone (${which} inode)`, async (t) => {
    const scene = await swapped(t, which);
    const before = picture(scene);
    await change(scene.store, { op: 'touch', path: '/d/f', mtime: 1_500_000_000_000 });
    await change(scene.store, { op: 'delete', path: '/d/f' });
    await change(scene.store, { op: 'rmdir', path: '/d/sub' });
    t.deepEqual(picture(scene), before);
    t.is(scene.store.record('/d/f').entry, null);
  });

  test(`what is stored or made below the link lands in a real folder that takes its place (${which} inode)`, async (t) => {
    const scene = await swapped(t, which);
    const { store, filesDir } = scene;
    const before = picture(scene);
    await change(store, { op: 'mkdir', path: '/d/made/deep' }).catch(() => undefined);
    await change(store, { op: 'mkdir', path: '/d/made' });
    await put(store, '/d/made/new', 'new');
    await put(store, '/d/f', 'newer');
    t.deepEqual(picture(scene), before);
    t.true(lstatSync(join(filesDir, 'd')).isDirectory());
    t.is(readFileSync(join(filesDir, 'd', 'made', 'new'), 'utf8'), 'new');
    t.is(readFileSync(join(filesDir, 'd', 'f'), 'utf8'), 'newer');
  });
}
