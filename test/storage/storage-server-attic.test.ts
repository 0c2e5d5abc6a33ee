import test from 'ava';
import type { ReplicaClient } from '../../src/peers/replica-client-api.ts';
import { Refusal } from '../../src/replication/operation.ts';
import { change, foreignRecord, inlineContent, put } from './opened-store.ts';
import { MEMBER, PEER, withStorageServer } from './with-storage-server.ts';

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

test('the own command sees the trash, restores from it and empties it', async (t) => {
  await withStorageServer(async ({ store, replica }) => {
    for (const path of ['/a', '/b']) {
      await put(store, path, `bytes of ${path}`);
      await change(store, { op: 'delete', path });
    }
    const own = await replica();
    const listed = await all(await own.attic.trash());
    t.deepEqual(listed.map(({ path, size, why }) => `${why} ${path} ${size}`).sort(), [
      'deleted /a 11',
      'deleted /b 11',
    ]);
    const id = listed.find(({ path }) => path === '/a')?.id ?? '';
    t.deepEqual(await own.attic.restore({ restore: id, to: '/a again' }), { path: '/a again', size: 11 });
    t.is(store.record('/a again').entry?.size, 11);
    const gone = await t.throwsAsync(own.attic.restore({ restore: id }), { instanceOf: Refusal });
    t.is(gone.kind, 'not-found');
    t.deepEqual(await own.attic.emptyTrash(), { files: 1, bytes: 11 });
    t.deepEqual(await all(await own.attic.trash()), []);
  });
});

test('the own command sees the conflict copies', async (t) => {
  await withStorageServer(async ({ store, replica }) => {
    await put(store, '/f', 'mine');
    const records = [{ record: foreignRecord('/f', 'theirs', { stamp: 1000 }), base: null }];
    await store.merge({ mode: 'push', records, content: inlineContent('theirs') });
    const own = await replica();
    t.deepEqual(
      (await all(await own.attic.conflicts())).map(({ original, kind }) => `${kind} ${original}`),
      ['lost /f'],
    );
  });
});

test('another member sees nothing of the trash and changes nothing in it', async (t) => {
  await withStorageServer(async ({ store, replica, credentials }) => {
    await put(store, '/f', 'bytes');
    await change(store, { op: 'delete', path: '/f' });
    const [entry] = store.attic.trash();
    const peer = await replica({ credentials: await credentials(PEER) });
    const refuses = async (ask: (of: ReplicaClient['attic']) => Promise<unknown>) =>
      t.is((await t.throwsAsync(ask(peer.attic), { instanceOf: Refusal })).kind, 'invalid');
    await refuses(async (attic) => await all(await attic.trash()));
    await refuses(async (attic) => await all(await attic.conflicts()));
    await refuses((attic) => attic.restore({ restore: entry?.id ?? '' }));
    await refuses((attic) => attic.emptyTrash());
    t.is([...store.attic.trash()].length, 1, `of ${MEMBER}`);
  });
});
