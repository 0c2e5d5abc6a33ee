import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { MergeRequest } from '../../src/peers/protocol.ts';
import { Refusal } from '../../src/replication/operation.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import {
  change,
  foreignRecord,
  inlineContent,
  openedStore,
  put,
  readThrough,
  sha256Of,
  tempDirs,
} from './opened-store.ts';

const B = 'odroid-b-0002.bbbbbbbb';

function push(record: ReplicaRecord, content?: string): MergeRequest {
  return {
    mode: 'push',
    records: [{ record, base: null }],
    ...(content === undefined ? {} : { content: inlineContent(content) }),
  };
}

function numbered(path: string, seq: number, content = path): ReplicaRecord {
  return foreignRecord(path, content, { dot: [B, seq], context: { [B]: seq } });
}

test('a pushed record without its bytes is asked for again, then applied, then known', async (t) => {
  const { store } = await openedStore(t);
  const record = numbered('/f', 1, 'bytes');
  const lacking = await store.merge(push(record));
  t.deepEqual(lacking.outcomes, ['send-content']);
  t.deepEqual(lacking.need, [{ sha256: sha256Of('bytes'), size: 5 }]);
  t.is(store.record('/f').record, null);
  t.deepEqual(store.hello().knowledge, {});
  t.deepEqual((await store.merge(push(record, 'bytes'))).outcomes, ['applied']);
  t.deepEqual((await store.merge(push(record, 'bytes'))).outcomes, ['known']);
  t.is(await readThrough(store, '/f'), 'bytes');
  t.deepEqual(store.hello().knowledge, { [B]: 1 });
});

test('dots that come out of order are folded into the knowledge when the gap closes, across a restart too', async (t) => {
  const dirs = tempDirs(t);
  const { openStore } = await import('../../src/storage/store.ts');
  const { storeOptions } = await import('./opened-store.ts');
  const first = await openStore(storeOptions(dirs));
  for (const seq of [1, 3, 4]) await first.merge(push(numbered(`/f${seq}`, seq), `/f${seq}`));
  t.deepEqual(first.hello().knowledge, { [B]: 1 });
  await first.close();
  const { store } = await openedStore(t, { dirs });
  await store.merge(push(numbered('/f6', 6), '/f6'));
  await store.merge(push(numbered('/f2', 2), '/f2'));
  t.deepEqual(store.hello().knowledge, { [B]: 4 });
  await store.merge(push(numbered('/f5', 5), '/f5'));
  t.deepEqual(store.hello().knowledge, { [B]: 6 });
});

test('pulled content is found by its hash in staging, and a wrong one is dropped and asked for again', async (t) => {
  const { store, dirs } = await openedStore(t);
  const record = numbered('/f', 1, 'pulled');
  const staged = async (text: string) => {
    const writer = await store.writeStaging(`sha-${sha256Of('pulled')}`, 0);
    await writer.write(Buffer.from(text));
    await writer.end();
  };
  await staged('wrong!');
  t.deepEqual((await store.merge({ ...push(record), mode: 'partial' })).outcomes, ['send-content']);
  t.is(await store.stagedSize(`sha-${sha256Of('pulled')}`), null);
  await staged('pulled');
  t.deepEqual((await store.merge({ ...push(record), mode: 'partial' })).outcomes, ['applied']);
  t.is(readFileSync(join(dirs.filesDir, 'f'), 'utf8'), 'pulled');
  t.deepEqual(readdirSync(join(dirs.filesDir, '.cloudroid/staging')), []);
});

test('in a partial merge what lacks its bytes or replaces something waits, the rest is applied', async (t) => {
  const { store } = await openedStore(t);
  await store.merge(push(numbered('/live', 1), '/live'));
  const replacing = foreignRecord('/live', 'newer', {
    dot: [B, 5],
    context: { [B]: 5 },
    stamp: 1_800_000_000_000,
  });
  const records = [numbered('/here', 2), numbered('/lacking', 3), replacing].map((record) => ({
    record,
    base: null,
  }));
  const reply = await store.merge({ mode: 'partial', records, content: inlineContent('/here', 'newer') });
  t.deepEqual(reply.outcomes, ['applied', 'send-content', 'deferred']);
  t.is(reply.need.length, 1);
  t.is(await readThrough(store, '/live'), '/live');

  const exchange = {
    store: 'other-store',
    incarnation: 'bbbbbbbb',
    knowledge: { [B]: 5 },
    collectedStamp: 0,
    upTo: 77,
  };
  const receiver = store.hello().incarnation;
  const rest = { mode: 'complete', records: records.slice(1), exchange, receiver } as const;
  const lacking = await store.merge({ ...rest, content: inlineContent('newer') });
  t.deepEqual(lacking.outcomes, ['send-content', 'send-content']);
  t.is(await readThrough(store, '/live'), '/live', 'all or nothing');
  t.deepEqual(store.cursor(exchange), { after: 0 });
  await store.merge({ ...rest, content: inlineContent('newer', '/lacking') });
  t.is(await readThrough(store, '/live'), 'newer');
  t.is(store.hello().knowledge[B], 5);
  t.deepEqual(store.cursor(exchange), { after: 77 });
  t.deepEqual(store.cursor({ ...exchange, incarnation: 'cccccccc' }), { after: 0 });
});

test('an exchange that began before a restart claims nothing: the store may have gone back to a backup', async (t) => {
  const { store } = await openedStore(t);
  const exchange = {
    store: 'other-store',
    incarnation: 'bbbbbbbb',
    knowledge: { [B]: 5 },
    collectedStamp: 0,
    upTo: 77,
  };
  const receiver = 'before00';
  const error = await t.throwsAsync(store.merge({ mode: 'complete', records: [], exchange, receiver }), {
    instanceOf: Refusal,
  });
  t.is(error.kind, 'changed');
  t.is(store.hello().knowledge[B], undefined);
  t.deepEqual(store.cursor(exchange), { after: 0 });
});

test('one write with two contents is kept twice, and nothing more is written: a cloned card', async (t) => {
  const { store } = await openedStore(t);
  const dot = [B, 1] as const;
  const twin = (content: string) => foreignRecord('/f.txt', content, { dot, context: { [B]: 1 }, stamp: 5 });
  await store.merge(push(twin('one'), 'one'));
  await store.merge(push(twin('other'), 'other'));
  t.is([...store.list('/')].length, 2);
  t.regex(store.hello().readOnly ?? '', /one identity|twice|clone/i);
});

test('two members that wrote the same name leave the winner and a conflict copy', async (t) => {
  const { store } = await openedStore(t);
  await put(store, '/f.txt', 'mine');
  const theirs = foreignRecord('/f.txt', 'theirs', {
    dot: [B, 1],
    context: { [B]: 1 },
    stamp: Date.now() + 60_000,
  });
  const reply = await store.merge(push(theirs, 'theirs'));
  t.deepEqual(reply.outcomes, ['conflict']);
  t.is(await readThrough(store, '/f.txt'), 'theirs');
  const copy = [...store.list('/')].find(({ path }) => path.includes('.conflict-'));
  t.is(await readThrough(store, copy?.path ?? ''), 'mine');
  t.is(store.counts().conflicts, 1);
});

test('a rename arrives as one batch and moves the bytes that are here', async (t) => {
  const a = await openedStore(t);
  const b = await openedStore(t, { member: 'odroid-b-0002', name: 'odroid-b' });
  for (let n = 0; n < 100; n += 1) {
    const { pushed = [] } = await put(a.store, `/d/f${n}`, `content ${n}`, 1_700_000_000_000);
    await b.store.merge({ mode: 'push', records: pushed, content: inlineContent(`content ${n}`) });
  }
  const { batch = '' } = await change(a.store, { op: 'rename', from: '/d', to: '/e' });
  const handle = await a.store.openStaging(batch);
  const writer = await b.store.writeStaging('batch-from-a', 0);
  await writer.write(await handle.readFile());
  await writer.end();
  await handle.close();
  const reply = await b.store.merge({ mode: 'push', batch: 'batch-from-a' });
  t.true((reply.counts.applied ?? 0) >= 200);
  t.is(await readThrough(b.store, '/e/f42'), 'content 42');
  t.is([...b.store.list('/')].length, 1);
  t.deepEqual(b.store.hello().knowledge, a.store.hello().knowledge);
  t.is(b.store.counts().trashBytes, 0, 'nothing was copied or thrown away');
});

test('two records with one content and different times are two files with their own times', async (t) => {
  const { store } = await openedStore(t);
  const early = foreignRecord('/early', 'same', {
    dot: [B, 1],
    context: { [B]: 1 },
    mtime: 1_000_000_000_000,
  });
  const late = foreignRecord('/late', 'same', { dot: [B, 2], context: { [B]: 2 }, mtime: 1_100_000_000_000 });
  const twin = foreignRecord('/twin', 'same', { dot: [B, 3], context: { [B]: 3 }, mtime: 1_100_000_000_000 });
  const records = [early, late, twin].map((record) => ({ record, base: null }));
  const reply = await store.merge({ mode: 'push', records, content: inlineContent('same') });
  t.deepEqual(reply.outcomes, ['applied', 'applied', 'applied']);
  const inode = (path: string) => store.record(path).disk?.ino;
  t.is(inode('/late'), inode('/twin'), 'the same content with the same time is stored once');
  t.not(inode('/early'), inode('/late'));
  await change(store, { op: 'touch', path: '/twin', mtime: 1_200_000_000_000 });
  t.not(inode('/late'), inode('/twin'));
  t.is(store.record('/late').entry?.mtime, 1_100_000_000_000);
  await change(store, { op: 'delete', path: '/early' });
  t.is(await readThrough(store, '/late'), 'same');
});

const good = foreignRecord('/f', 'x');
const garbage: { [what: string]: unknown } = {
  'a path that leaves the volume': { ...good, path: '/../f' },
  'a reserved path': { ...good, path: '/.cloudroid/store.json' },
  'no hash': { ...good, sha256: '' },
  'a negative size': { ...good, size: -1 },
  'a time that is no number': { ...good, mtime: 'now' },
  'a dot that is none': { ...good, dot: ['x'] },
  'a context with a text': { ...good, context: { [B]: '1' } },
  'an unknown kind': { ...good, kind: 'socket' },
  'a null': null,
};
for (const [what, record] of Object.entries(garbage)) {
  test(`a batch with ${what} is refused whole`, async (t) => {
    const { store } = await openedStore(t);
    const writer = await store.writeStaging('bad-batch', 0);
    const lines = [
      { record: numbered('/ok', 1), base: null },
      { record, base: null },
    ];
    await writer.write(Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n')));
    await writer.end();
    const error = await t.throwsAsync(
      store.merge({ mode: 'push', batch: 'bad-batch', content: inlineContent('/ok', 'x') }),
      { instanceOf: Refusal },
    );
    t.true(['invalid', 'forbidden-name'].includes(error.kind));
    t.deepEqual([...store.list('/')], []);
  });
}
