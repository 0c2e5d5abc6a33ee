import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { openedStore, operationId, put, readThrough, sha256Of } from './opened-store.ts';

async function write(
  store: Store,
  id: string,
  offset: number,
  text: string,
): Promise<{ size: number; sha256: string }> {
  const writer = await store.writeStaging(id, offset);
  await writer.write(Buffer.from(text));
  return await writer.end();
}

test('an upload goes on where it was cut, and its hash is that of the whole', async (t) => {
  const { store } = await openedStore(t);
  const first = await store.writeStaging('an-upload', 0);
  await first.write(Buffer.from('one '));
  await first.abort();
  t.is(await store.stagedSize('an-upload'), 4);
  await t.throwsAsync(store.writeStaging('an-upload', 3), {
    instanceOf: Refusal,
    message: /cannot go on at 3/,
  });
  t.deepEqual(await write(store, 'an-upload', 4, 'two'), { size: 7, sha256: sha256Of('one two') });
  t.deepEqual(await write(store, 'an-upload', 0, 'anew'), { size: 4, sha256: sha256Of('anew') });
});

test('two writers of one upload at once: the second is refused', async (t) => {
  const { store } = await openedStore(t);
  const first = await store.writeStaging('an-upload', 0);
  const error = await t.throwsAsync(store.writeStaging('an-upload', 0), { instanceOf: Refusal });
  t.is(error.kind, 'busy');
  await first.abort();
  await write(store, 'an-upload', 0, 'x');
});

test('an upload that is still being written cannot be committed', async (t) => {
  const { store } = await openedStore(t);
  const writer = await store.writeStaging('an-upload', 0);
  await writer.write(Buffer.from('x'));
  const commit = store.commit({
    id: operationId(),
    operation: { op: 'put', path: '/f', size: 1, sha256: sha256Of('x') },
    content: { staged: 'an-upload' },
  });
  t.is((await t.throwsAsync(commit, { instanceOf: Refusal })).kind, 'busy');
  await writer.end();
});

test('bytes that were added to a staged file after its hash was taken are noticed', async (t) => {
  const { store } = await openedStore(t);
  await write(store, 'an-upload', 0, 'hashed');
  const { diskPath } = await store.stage({ id: 'an-upload' });
  appendFileSync(diskPath, '!');
  const commit = store.commit({
    id: operationId(),
    operation: { op: 'put', path: '/f', size: 6, sha256: sha256Of('hashed') },
    content: { staged: 'an-upload' },
  });
  t.is((await t.throwsAsync(commit, { instanceOf: Refusal })).kind, 'hash-mismatch');
});

test('a peer that stages and names a wrong hash is not believed', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/base', 'the first bytes');
  const prefix = { sha256: sha256Of('the first bytes'), length: 9 };
  await store.stage({ id: 'from-a-peer', prefix }, 'peer');
  const commit = store.commit({
    id: operationId(),
    operation: { op: 'put', path: '/f', size: 9, sha256: sha256Of('something') },
    content: { staged: 'from-a-peer' },
  });
  t.is((await t.throwsAsync(commit, { instanceOf: Refusal })).kind, 'hash-mismatch');
});

test('APPE starts from the first bytes of what is there and leaves that as it was', async (t) => {
  const { store, dirs } = await openedStore(t);
  await put(store, '/f', 'beginning and end');
  const staged = await store.stage({
    id: 'appended',
    prefix: { sha256: sha256Of('beginning and end'), length: 9 },
  });
  t.is(staged.size, 9);
  t.is(readFileSync(staged.diskPath, 'utf8'), 'beginning');
  t.deepEqual(await write(store, 'appended', 9, ' again'), { size: 15, sha256: sha256Of('beginning again') });
  t.is(readFileSync(join(dirs.filesDir, 'f'), 'utf8'), 'beginning and end');
  await store.commit({
    id: operationId(),
    operation: {
      op: 'put',
      path: '/f',
      size: 15,
      sha256: sha256Of('beginning again'),
      baseSha256: sha256Of('beginning and end'),
    },
    content: { staged: 'appended' },
  });
  t.is(await readThrough(store, '/f'), 'beginning again');
  const lacking = store.stage({ id: 'appended-too', prefix: { sha256: sha256Of('never seen'), length: 1 } });
  t.is((await t.throwsAsync(lacking, { instanceOf: Refusal })).kind, 'missing-content');
});

for (const id of [
  'short',
  '../../etc/passwd',
  'link-123456789',
  'inline-12345678',
  'a/b/c/d/e',
  'x'.repeat(81),
]) {
  test(`the staging id ${id.slice(0, 20)} is refused`, async (t) => {
    const { store } = await openedStore(t);
    t.is((await t.throwsAsync(store.stage({ id }), { instanceOf: Refusal })).kind, 'invalid');
    t.is((await t.throwsAsync(store.writeStaging(id, 0), { instanceOf: Refusal })).kind, 'invalid');
  });
}
