/** Old deletions are forgotten when everybody knows them, and what was forgotten does not come back. */
import test, { type ExecutionContext } from 'ava';
import { Refusal } from '../../src/replication/operation.ts';
import type { ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { change, foreignRecord, inlineContent, openedStore, put, tempDirs } from './opened-store.ts';

const DAY = 24 * 60 * 60 * 1000;
const B = 'odroid-b-0002.bbbbbbbb';

interface Aged {
  readonly store: Store;
  readonly clock: { now: number };
  /** What the other member is said to know: everything. */
  all(): VersionVector;
  collect(knowledge?: VersionVector): Promise<number>;
}

/** A store that has met b-1, with a clock that the test moves. */
async function aged(t: ExecutionContext): Promise<Aged> {
  const clock = { now: 1_800_000_000_000 };
  const { store } = await openedStore(t, { dirs: tempDirs(t), now: () => clock.now });
  await store.members.meet('b-1');
  const all = () => store.hello().knowledge;
  return {
    store,
    clock,
    all,
    collect: async (knowledge = all()) =>
      (await store.members.collect({ members: ['b-1'], knowledge })).collected,
  };
}

function fed(store: Store, after = 0): ReplicaRecord[] {
  const { header, records } = store.changes(after);
  const all = [...records];
  if (all.length !== header.count) throw new Error('the header counts others');
  return all;
}

test('a deletion is forgotten when all know it and it was stored 30 days ago, not before', async (t) => {
  const { store, clock, collect } = await aged(t);
  await put(store, '/kept', 'x');
  await put(store, '/dir/gone', 'y');
  await change(store, { op: 'delete', path: '/dir/gone' });
  const before = store.hello();
  clock.now += 30 * DAY - 1;
  t.is(await collect(), 0);
  clock.now += 1;
  t.is(await collect(), 1);
  t.deepEqual(
    fed(store).map(({ path }) => path),
    ['/kept'],
  );
  t.is(store.record('/dir/gone').record, null);
  const after = store.hello();
  t.deepEqual(after.knowledge, before.knowledge, 'what it knows it still knows');
  t.is(after.tree, before.tree);
  t.is(after.changes, before.changes);
  t.is(await collect(), 0);
});

test('a member that does not know the deletion, or something that it has seen, keeps it from being forgotten', async (t) => {
  const { store, clock, all, collect } = await aged(t);
  await put(store, '/f', 'x');
  const { pushed = [] } = await change(store, { op: 'delete', path: '/f' });
  const [actor, seq] = pushed[0]?.record.dot ?? ['', 0];
  const seen = foreignRecord('/g', null, { context: { [B]: 2, 'odroid-c-0003.cccccccc': 7 }, dot: [B, 2] });
  await store.merge({ mode: 'push', records: [{ record: seen, base: null }] });
  clock.now += 31 * DAY;
  const whole = { ...all(), [B]: 2, 'odroid-c-0003.cccccccc': 7 };
  t.is(await collect({ ...whole, [actor]: seq - 1, 'odroid-c-0003.cccccccc': 6 }), 0);
  t.is(await collect({ ...whole, 'odroid-c-0003.cccccccc': 6 }), 1, 'the own deletion');
  t.is(await collect(whole), 0, 'this member itself does not know what the other deletion has seen');
  t.deepEqual(
    fed(store).map(({ path }) => path),
    ['/g'],
  );
});

test('nothing is forgotten as long as nothing is known of one member, until that one is retired', async (t) => {
  const { store, clock, all } = await aged(t);
  await put(store, '/f', 'x');
  await change(store, { op: 'delete', path: '/f' });
  await store.members.join({ met: ['c-1'], retired: [] });
  clock.now += 31 * DAY;
  const request = { members: ['b-1'], knowledge: all() };
  t.deepEqual(await store.members.collect(request), { collected: 0, due: true, waitsFor: ['c-1'] });
  await store.members.retire('c-1');
  t.deepEqual(await store.members.collect(request), { collected: 1, due: true, waitsFor: [] });
  t.deepEqual(await store.members.collect(request), { collected: 0, due: false, waitsFor: [] });
});

test('a member that is alone forgets by itself', async (t) => {
  const clock = { now: 1_800_000_000_000 };
  const { store } = await openedStore(t, { now: () => clock.now });
  await put(store, '/f', 'x');
  await change(store, { op: 'delete', path: '/f' });
  clock.now += 31 * DAY;
  t.is((await store.members.collect({ members: [], knowledge: {} })).collected, 1);
});

test('a clock that goes back to 1970 forgets nothing', async (t) => {
  const { store, clock, collect } = await aged(t);
  await put(store, '/f', 'x');
  await change(store, { op: 'delete', path: '/f' });
  clock.now = 5 * DAY;
  t.is(await collect(), 0);
});

test('the end of a conflict copy is never forgotten: no knowledge speaks of it', async (t) => {
  const { store, clock, collect } = await aged(t);
  const copy = foreignRecord('/c', 'lost', { dot: [`*${B}`, 3], context: { [`*${B}`]: 3 } });
  await store.merge({
    mode: 'push',
    records: [{ record: copy, base: null }],
    content: inlineContent('lost'),
  });
  await change(store, { op: 'delete', path: '/c' });
  clock.now += 31 * DAY;
  t.is(await collect(), 0);
  t.is(fed(store)[0]?.kind, 'tombstone');
});

test('the deleted file that comes late, pushed or pulled, is superseded after its deletion was forgotten', async (t) => {
  const { store, clock, collect } = await aged(t);
  const file = foreignRecord('/late', 'old', { dot: [B, 1] });
  await store.merge({ mode: 'push', records: [{ record: file, base: null }], content: inlineContent('old') });
  await change(store, { op: 'delete', path: '/late' });
  const [tombstone] = fed(store);
  clock.now += 31 * DAY;
  t.is(await collect(), 1);
  for (const mode of ['push', 'partial', 'complete'] as const) {
    for (const record of [file, tombstone ?? file]) {
      const { outcomes } = await store.merge({ mode, records: [{ record, base: null }] });
      t.deepEqual(outcomes, ['superseded'], `${mode} of the ${record.kind}`);
    }
  }
  t.is(store.record('/late').record, null);
  // A fail-over tells what its proxy saw last.
  await put(store, '/else', 'x');
  t.is(store.record('/late').entry, null);
});

test('a write where a deletion was forgotten is later than it and has seen it, whatever the clock says', async (t) => {
  const { store, clock, collect } = await aged(t);
  await put(store, '/p', 'x');
  await change(store, { op: 'delete', path: '/p' });
  const [tombstone] = fed(store);
  clock.now += 31 * DAY;
  t.is(await collect(), 1);
  clock.now = 1000;
  const { pushed = [] } = await put(store, '/p', 'again');
  const [again] = pushed;
  t.true((again?.record.stamp ?? 0) > (tombstone?.stamp ?? Number.POSITIVE_INFINITY));
  const [actor, seq] = tombstone?.dot ?? ['', 1];
  t.true((again?.record.context[actor] ?? 0) >= seq);
});

test('who takes over knowledge by a complete exchange writes later than what that lets it forget', async (t) => {
  const { store, clock, collect } = await aged(t);
  await put(store, '/p', 'x');
  await change(store, { op: 'delete', path: '/p' });
  const stamp = fed(store)[0]?.stamp ?? 0;
  clock.now += 31 * DAY;
  t.is(await collect(), 1);
  const { header } = store.changes(0);
  const young = await openedStore(t, { member: 'odroid-n-0009', now: () => 1000 });
  const { incarnation } = young.store.hello();
  await young.store.merge({ mode: 'complete', records: [], exchange: header, receiver: incarnation });
  const { pushed = [] } = await put(young.store, '/p', 'again');
  t.true((pushed[0]?.record.stamp ?? 0) > stamp);
  const beyond = { ...header, collectedStamp: Number.MAX_SAFE_INTEGER };
  const refused = young.store.merge({
    mode: 'complete',
    records: [],
    exchange: beyond,
    receiver: incarnation,
  });
  t.is((await t.throwsAsync(refused, { instanceOf: Refusal })).kind, 'invalid');
});

test('a deletion that was replaced while it was looked at stays what it is now', async (t) => {
  const { store, clock, collect } = await aged(t);
  await put(store, '/p', 'x');
  await change(store, { op: 'delete', path: '/p' });
  await put(store, '/q', 'x');
  await change(store, { op: 'delete', path: '/q' });
  clock.now += 31 * DAY;
  const collecting = collect();
  await Promise.all([put(store, '/p', 'again'), collecting]);
  t.is(store.record('/p').entry?.kind, 'file');
  t.is(store.record('/q').record, null);
});

test('a deletion of which more becomes known while it is looked at is forgotten before or stays, young again', async (t) => {
  const { store, clock, collect, all } = await aged(t);
  // Each time a little later on the way of the news into the catalog.
  for (let turns = 0; turns < 24; turns += 1) {
    const path = `/p${turns}`;
    await put(store, path, 'x');
    const { pushed = [] } = await change(store, { op: 'delete', path });
    const gone = pushed[0]?.record;
    if (gone === undefined) throw new Error('nothing was deleted');
    clock.now += 31 * DAY;
    const wider = { ...gone, context: { ...gone.context, [B]: 9 } };
    const merging = store.merge({ mode: 'push', records: [{ record: wider, base: null }] });
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const collected = await collect({ ...all(), [B]: 9 });
    const outcome = (await merging).outcomes?.[0];
    const context = store.record(path).record?.context;
    t.deepEqual(
      { outcome, context },
      collected > 0
        ? { outcome: 'superseded', context: undefined }
        : { outcome: 'known', context: wider.context },
    );
  }
});

test('thousands are forgotten a bounded number at a time, commits going on between', async (t) => {
  const { store, clock, collect, all } = await aged(t);
  const records = Array.from({ length: 2500 }, (_, index) => ({
    record: foreignRecord(`/many/${index}`, null, {
      dot: [B, index + 1],
      context: { [B]: index + 1 },
      stamp: 1_700_000_000_000 + index,
    }),
    base: null,
  }));
  const { incarnation: receiver } = store.hello();
  const exchange = { ...store.changes(0).header, store: 'other', knowledge: { [B]: 2500 } };
  await store.merge({ mode: 'complete', records, exchange, receiver });
  clock.now += 31 * DAY;
  const collecting = collect({ ...all(), [B]: 2400 });
  const stored = await Promise.all(Array.from({ length: 20 }, (_, n) => put(store, `/new${n}`, `${n}`)));
  t.is(stored.length, 20);
  t.is(await collecting, 2400);
  t.is(await collect(), 100);
  t.is(fed(store).length, 20);
  t.is(store.counts().files, 20);
});

test('what comes again and is here already is no change: nobody is told of it anew, and it grows old', async (t) => {
  const { store, clock, collect, all } = await aged(t);
  const gone = foreignRecord('/gone', null, { dot: [B, 1], context: { [B]: 1 } });
  const again = async () => {
    const exchange = { ...store.changes(0).header, store: 'other', knowledge: { [B]: 1 } };
    const receiver = store.hello().incarnation;
    await store.merge({
      mode: 'complete',
      records: [{ record: gone, base: null }],
      exchange,
      receiver,
    });
  };
  await again();
  const { changes } = store.hello();
  clock.now += 29 * DAY;
  await again();
  t.is(store.hello().changes, changes);
  clock.now += 2 * DAY;
  t.is(await collect(all()), 1);
});

test('what was deleted while the clock was unset is not old when the clock is right', async (t) => {
  const { store, clock, collect } = await aged(t);
  const right = clock.now;
  clock.now = 86_400_000;
  await put(store, '/p', 'x');
  await change(store, { op: 'delete', path: '/p' });
  clock.now = right;
  t.is(await collect(), 0);
});
