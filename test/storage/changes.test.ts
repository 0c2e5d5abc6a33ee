import test from 'ava';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { change, openedStore, put } from './opened-store.ts';

test('the feed is one moment, however slowly it is read and whatever is written meanwhile', async (t) => {
  const { store } = await openedStore(t);
  await Promise.all(Array.from({ length: 200 }, (_, n) => put(store, `/d/f${n}`, `first ${n}`)));
  const { header, records } = store.changes(0);
  const seen: ReplicaRecord[] = [];
  for (const record of records) {
    seen.push(record);
    if (seen.length % 20 === 0) await put(store, `/d/f${199 - seen.length / 20}`, `second ${seen.length}`);
    if (seen.length === 50) await change(store, { op: 'rename', from: '/d', to: '/e' });
    if (seen.length === 100) await change(store, { op: 'rename', from: '/e', to: '/g' });
  }
  t.is(seen.length, header.count);
  t.is(seen.filter(({ kind, path }) => kind === 'file' && path.startsWith('/d/f')).length, 200);
  const [actor] = seen[0]?.dot ?? [''];
  t.deepEqual(header.knowledge, { [actor]: 200 });
  t.true(seen.every(({ dot }) => dot[1] <= 200));

  const next = store.changes(header.upTo);
  t.is(next.header.upTo, store.hello().changes);
  t.is([...next.records].length, next.header.count);
  t.true(next.header.count > 400, 'targets and tombstones of the renames');
});

test('the feed names each path once, with its newest state, in the order of the last change', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/a', '1');
  await put(store, '/b', '1');
  await put(store, '/a', '2');
  await change(store, { op: 'delete', path: '/b' });
  await put(store, '/c', '1');
  const { records } = store.changes(0);
  t.deepEqual(
    [...records].map(({ path, kind }) => [path, kind]),
    [
      ['/a', 'file'],
      ['/b', 'tombstone'],
      ['/c', 'file'],
    ],
  );
});

test('a feed that is given up holds nothing, begun or not', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/a', '1');
  await put(store, '/b', '1');
  for (let round = 0; round < 1100; round += 1) {
    const { records } = store.changes(0);
    const iterator = records[Symbol.iterator]();
    if (round % 2 === 0) iterator.next();
    iterator.return?.();
    t.true(iterator.next().done);
  }
});
