import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import { change, openedStore, operationId, put, readThrough, sha256Of } from './opened-store.ts';

test('a file that was put is a plain file on disk with its time, listed, and read back by its hash', async (t) => {
  const { store, dirs } = await openedStore(t);
  const reply = await put(store, '/a/b/c.txt', 'hello', 1_600_000_000_123);
  t.is(reply.count, 1);
  t.is(reply.pushed?.[0]?.base, null);
  t.is(readFileSync(join(dirs.filesDir, 'a/b/c.txt'), 'utf8'), 'hello');
  t.true(Math.abs(statSync(join(dirs.filesDir, 'a/b/c.txt')).mtimeMs - 1_600_000_000_123) < 1);
  t.deepEqual(
    [...store.list('/')].map(({ path, kind }) => [path, kind]),
    [['/a', 'directory']],
  );
  t.deepEqual(
    [...store.list('/a/b')].map(({ path, size }) => [path, size]),
    [['/a/b/c.txt', 5]],
  );
  t.is(await readThrough(store, '/a/b/c.txt'), 'hello');
  t.like(store.counts(), { files: 1, bytes: 5, directories: 2, conflicts: 0 });
});

test('a replaced file goes to the trash and its content can still be opened', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/f', 'old');
  const reply = await put(store, '/f', 'new');
  t.truthy(reply.pushed?.[0]?.base);
  t.is(await readThrough(store, '/f'), 'new');
  t.is(store.counts().trashBytes, 3);
  const { handle } = await store.openObject(sha256Of('old'));
  t.is(await handle.readFile('utf8'), 'old');
  await handle.close();
});

test('deleting the last file of an implied directory removes the directory, one that was made stays', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/implied/deep/f', 'x');
  await change(store, { op: 'mkdir', path: '/made' });
  await put(store, '/made/f', 'x');
  await change(store, { op: 'delete', path: '/implied/deep/f' });
  await change(store, { op: 'delete', path: '/made/f' });
  t.false(existsSync(join(dirs.filesDir, 'implied')));
  t.true(existsSync(join(dirs.filesDir, 'made')));
  t.is(store.record('/implied').entry, null);
  t.is(store.record('/made').entry?.kind, 'directory');
  t.is(store.record('/made/f').record?.kind, 'tombstone');
});

test('a folder of 2,000 files is renamed in one transaction without copying and answered as a batch', async (t) => {
  const { store, dirs } = await openedStore(t);
  await Promise.all(Array.from({ length: 2000 }, (_, n) => put(store, `/from/sub/f${n}`, `content ${n}`)));
  const inode = statSync(join(dirs.filesDir, 'from/sub/f7')).ino;
  const id = operationId();
  const rename = { id, operation: { op: 'rename', from: '/from', to: '/to' } } as const;
  const reply = await store.commit(rename);
  t.is(statSync(join(dirs.filesDir, 'to/sub/f7')).ino, inode);
  t.is([...store.list('/to/sub')].length, 2000);
  t.false(existsSync(join(dirs.filesDir, 'from')));
  t.is(store.counts().trashBytes, 0);
  const batch = await store.openStaging(String(reply.batch));
  const lines = (await batch.readFile('utf8')).trimEnd().split('\n');
  await batch.close();
  t.is(lines.length, reply.count);
  t.true(reply.count >= 4000);

  await store.dropStaging(String(reply.batch));
  const again = await store.commit(rename);
  const secondBatch = await store.openStaging(String(again.batch));
  t.is((await secondBatch.readFile('utf8')).trimEnd(), lines.join('\n'), 'a retry gets the same answer');
  await secondBatch.close();
});

test('a new modification time changes neither bytes nor inode', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/f', 'x');
  const before = statSync(join(dirs.filesDir, 'f')).ino;
  await change(store, { op: 'touch', path: '/f', mtime: 1_000_000_000_123 });
  const found = statSync(join(dirs.filesDir, 'f'));
  t.is(found.ino, before);
  t.true(Math.abs(found.mtimeMs - 1_000_000_000_123) < 1);
  t.is(store.record('/f').entry?.mtime, 1_000_000_000_123);
  t.is(await readThrough(store, '/f'), 'x');
});

test('an operation id is carried out once, at the same time and later', async (t) => {
  const { store } = await openedStore(t);
  const request = {
    id: operationId(),
    operation: { op: 'put', path: '/f', size: 1, sha256: sha256Of('x') },
    content: { inline: Buffer.from('x').toString('base64') },
  } as const;
  const [first, second] = await Promise.all([store.commit(request), store.commit(request)]);
  t.deepEqual(first, second);
  await put(store, '/f', 'newer');
  t.deepEqual(await store.commit(request), first);
  t.is(await readThrough(store, '/f'), 'newer');
});

test('many changes of one file at once are done one after the other', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/f', 'start');
  await Promise.all([
    ...Array.from({ length: 20 }, (_, n) => put(store, '/f', `version ${n}`)),
    ...Array.from({ length: 5 }, (_, n) =>
      change(store, { op: 'touch', path: '/f', mtime: 1_000_000_000_000 + n }),
    ),
  ]);
  t.regex(await readThrough(store, '/f'), /^version \d+$/);
  const [renamed] = await Promise.all([
    change(store, { op: 'rename', from: '/f', to: '/g' }),
    put(store, '/f', 'after'),
  ]);
  t.is(renamed.count, 2);
  t.is(await readThrough(store, '/f'), 'after');
  t.regex(await readThrough(store, '/g'), /^version \d+$/);
});

test('files that are renamed while they are put keep their bytes', async (t) => {
  const { store } = await openedStore(t);
  const renameWhenThere = async (n: number): Promise<void> => {
    for (;;) {
      try {
        await change(store, { op: 'rename', from: `/put${n}`, to: `/renamed${n}` });
        return;
      } catch (error) {
        if (!(error instanceof Refusal) || error.kind !== 'not-found') throw error;
        await setImmediate();
      }
    }
  };
  const numbers = Array.from({ length: 60 }, (_, n) => n);
  await Promise.all(numbers.flatMap((n) => [put(store, `/put${n}`, `content ${n}`), renameWhenThere(n)]));
  for (const n of numbers) t.is(await readThrough(store, `/renamed${n}`), `content ${n}`);
});

test('bytes that are not those of the hash are refused and nothing changes', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/f', 'old');
  const wrongInline = store.commit({
    id: operationId(),
    operation: { op: 'put', path: '/f', size: 3, sha256: sha256Of('new') },
    content: { inline: Buffer.from('bad').toString('base64') },
  });
  t.is((await t.throwsAsync(wrongInline, { instanceOf: Refusal })).kind, 'hash-mismatch');
  const writer = await store.writeStaging('upload-one', 0);
  await writer.write(Buffer.from('bad'));
  await writer.end();
  const wrongStaged = store.commit({
    id: operationId(),
    operation: { op: 'put', path: '/f', size: 3, sha256: sha256Of('new') },
    content: { staged: 'upload-one' },
  });
  t.is((await t.throwsAsync(wrongStaged, { instanceOf: Refusal })).kind, 'hash-mismatch');
  t.is(readFileSync(join(dirs.filesDir, 'f'), 'utf8'), 'old');
  t.is(store.counts().trashBytes, 0);
});

test('a put without its bytes is refused unless this replica has them', async (t) => {
  const { store, dirs } = await openedStore(t);
  const operation = { op: 'put', path: '/copy', size: 5, sha256: sha256Of('bytes'), mtime: 5_000 } as const;
  const without = store.commit({ id: operationId(), operation });
  t.is((await t.throwsAsync(without, { instanceOf: Refusal })).kind, 'missing-content');
  await put(store, '/f', 'bytes');
  await store.commit({ id: operationId(), operation });
  t.is(readFileSync(join(dirs.filesDir, 'copy'), 'utf8'), 'bytes');
});

test('the own proxy writes the staged file itself; a wrong length is noticed', async (t) => {
  const { store, dirs } = await openedStore(t);
  const { diskPath, size } = await store.stage({ id: 'direct-one' });
  t.is(size, 0);
  writeFileSync(diskPath, 'straight');
  const operation = { op: 'put', path: '/f', size: 9, sha256: sha256Of('straight') } as const;
  const wrong = store.commit({ id: operationId(), operation, content: { staged: 'direct-one' } });
  t.is((await t.throwsAsync(wrong, { instanceOf: Refusal })).kind, 'hash-mismatch');
  await store.commit({
    id: operationId(),
    operation: { ...operation, size: 8 },
    content: { staged: 'direct-one' },
  });
  t.is(readFileSync(join(dirs.filesDir, 'f'), 'utf8'), 'straight');
  t.deepEqual(readdirSync(join(dirs.filesDir, '.cloudroid/staging')), []);
});

for (const path of ['/.cloudroid', '/a/.cloudroid-x/f', `/${'n'.repeat(256)}`, '/a\nb', '/\ud800']) {
  test(`the name ${JSON.stringify(path).slice(0, 30)} is refused`, async (t) => {
    const { store } = await openedStore(t);
    const error = await t.throwsAsync(put(store, path, 'x'), { instanceOf: Refusal });
    t.is(error.kind, 'forbidden-name');
  });
}

for (const path of ['a', '/', '/a/', '/a//b', '/a/../b', '/./a']) {
  test(`the path ${path} is refused as not normalised`, async (t) => {
    const { store } = await openedStore(t);
    t.is((await t.throwsAsync(put(store, path, 'x'), { instanceOf: Refusal })).kind, 'invalid');
  });
}

test('odd names are stored as they are', async (t) => {
  const { store, dirs } = await openedStore(t);
  const names = [
    ' lead',
    'q"uo\'te',
    '%41#',
    '-dash',
    'e\u0301',
    '\u00e9',
    '*?[x]',
    '\\',
    'n'.repeat(255),
    '\u{1f600}',
  ];
  await Promise.all(names.map((name) => put(store, `/odd/${name}`, name)));
  t.deepEqual(readdirSync(join(dirs.filesDir, 'odd')).sort(), [...names].sort());
  for (const name of names) t.is(await readThrough(store, `/odd/${name}`), name);
});

test('listing says not found and not a directory before the first entry', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/f', 'x');
  t.is(t.throws(() => store.list('/nothing'), { instanceOf: Refusal }).kind, 'not-found');
  t.is(t.throws(() => store.list('/f'), { instanceOf: Refusal }).kind, 'not-a-directory');
  t.is([...store.list('/')].length, 1);
});
