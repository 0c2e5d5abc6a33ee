import test, { type ExecutionContext } from 'ava';
import { conflictPath } from '../../src/replication/conflict-name.ts';
import { type Operation, Refusal, type RefusalKind } from '../../src/replication/operation.ts';
import { planCommit } from '../../src/replication/plan-commit.ts';
import { planMerge } from '../../src/replication/plan-merge.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { shownAt } from '../../src/replication/tree-view.ts';
import { MemoryTable } from '../simulation/memory-table.ts';
import { record } from './records.ts';

const ACTOR = 'a.00000001';

class Replica {
  readonly table = new MemoryTable();
  #seq = 0;
  now = 1000;

  do(operation: Operation): readonly ReplicaRecord[] {
    const plan = planCommit(this.table, operation, { actor: ACTOR, lastSeq: this.#seq, now: this.now });
    this.#seq += plan.pushed.length;
    this.table.apply(plan);
    return plan.pushed.map((pushed) => pushed.record);
  }

  put(path: string, sha256 = `content of ${path}`): readonly ReplicaRecord[] {
    return this.do({ op: 'put', path, size: 1, sha256 });
  }

  take(incoming: ReplicaRecord): void {
    this.table.apply(planMerge(this.table, [{ record: incoming, base: null }], 'push'));
  }
}

function refused(t: ExecutionContext, kind: RefusalKind, operation: Operation, replica: Replica): void {
  const before = replica.table.all();
  const error = t.throws(() => replica.do(operation), { instanceOf: Refusal });
  t.is(error?.kind, kind, JSON.stringify(operation));
  t.deepEqual(replica.table.all(), before);
}

test('what the tree as users see it does not allow is refused and changes nothing', (t) => {
  const replica = new Replica();
  replica.put('/file');
  replica.do({ op: 'mkdir', path: '/dir' });
  replica.put('/dir/inside');
  const put = { op: 'put', size: 1, sha256: 'x' } as const;
  refused(t, 'is-a-directory', { ...put, path: '/dir' }, replica);
  refused(t, 'not-a-directory', { ...put, path: '/file/below' }, replica);
  refused(t, 'not-a-directory', { ...put, path: '/file/deep/below' }, replica);
  refused(t, 'exists', { ...put, path: '/file', exclusive: true }, replica);
  refused(t, 'changed', { ...put, path: '/file', baseSha256: 'other' }, replica);
  refused(t, 'changed', { ...put, path: '/file', baseSha256: null }, replica);
  refused(t, 'not-found', { op: 'delete', path: '/none' }, replica);
  refused(t, 'is-a-directory', { op: 'delete', path: '/dir' }, replica);
  refused(t, 'exists', { op: 'mkdir', path: '/file' }, replica);
  refused(t, 'exists', { op: 'mkdir', path: '/dir' }, replica);
  refused(t, 'not-found', { op: 'mkdir', path: '/none/below' }, replica);
  refused(t, 'not-empty', { op: 'rmdir', path: '/dir' }, replica);
  refused(t, 'not-a-directory', { op: 'rmdir', path: '/file' }, replica);
  refused(t, 'not-found', { op: 'rename', from: '/none', to: '/there' }, replica);
  refused(t, 'not-found', { op: 'rename', from: '/file', to: '/none/there' }, replica);
  refused(t, 'is-a-directory', { op: 'rename', from: '/file', to: '/dir' }, replica);
  refused(t, 'exists', { op: 'rename', from: '/dir', to: '/file' }, replica);
  refused(t, 'invalid', { op: 'rename', from: '/dir', to: '/dir/itself' }, replica);
  refused(t, 'not-found', { op: 'touch', path: '/none', mtime: 1 }, replica);
});

test('a write comes after all that was seen, whatever the clock says; a deletion never asks the clock', (t) => {
  const replica = new Replica();
  replica.now = 5000;
  replica.put('/file');
  replica.now = 10;
  const [second] = replica.put('/file', 'again');
  t.is(second?.stamp, 5001);
  replica.now = 99_999;
  const [deletion] = replica.do({ op: 'delete', path: '/file' });
  t.is(deletion?.stamp, 5002);
});

test('renaming a folder moves everything in it and leaves tombstones', (t) => {
  const replica = new Replica();
  replica.do({ op: 'mkdir', path: '/old' });
  replica.put('/old/a');
  replica.do({ op: 'mkdir', path: '/old/deep' });
  replica.put('/old/deep/b');
  replica.do({ op: 'rename', from: '/old', to: '/new' });
  const live = replica.table.all().filter(({ kind }) => kind !== 'tombstone');
  t.deepEqual(live.map(({ path }) => path).sort(), ['/new', '/new/a', '/new/deep', '/new/deep/b']);
  t.is(replica.table.get('/new/deep/b')?.sha256, 'content of /old/deep/b');
  t.is(shownAt(replica.table, '/old').kind, 'nothing');
});

test('an upload whose folder was renamed away meanwhile is stored, and the folder reappears', (t) => {
  const replica = new Replica();
  replica.put('/gone/file');
  t.is(shownAt(replica.table, '/gone').kind, 'directory');
});

test('a file whose path became a folder is shown under its conflict name, and actions there act on it', (t) => {
  const shadowed = record('b.00000001', 1, { path: '/a', stamp: 50 });
  const shown = conflictPath(shadowed);
  const fresh = () => {
    const replica = new Replica();
    replica.take(shadowed);
    replica.take(record('c.00000001', 1, { path: '/a/b' }));
    t.is(shownAt(replica.table, '/a').kind, 'directory');
    t.like(shownAt(replica.table, shown), { kind: 'file', record: { path: '/a' } });
    return replica;
  };
  const deleting = fresh();
  deleting.do({ op: 'delete', path: shown });
  t.is(deleting.table.get('/a')?.kind, 'tombstone');
  t.is(shownAt(deleting.table, shown).kind, 'nothing');

  const renaming = fresh();
  renaming.do({ op: 'rename', from: shown, to: '/mine' });
  t.is(renaming.table.get('/a')?.kind, 'tombstone');
  t.is(renaming.table.get('/mine')?.sha256, shadowed.sha256);

  const storing = fresh();
  storing.put(shown, 'new');
  t.is(storing.table.get('/a')?.kind, 'tombstone');
  t.is(storing.table.get(shown)?.sha256, 'new');
});

test('a proxy that fails over brings what it saw: the new member writes on top of that', (t) => {
  const replica = new Replica();
  const seen = record('b.00000001', 7, { stamp: 9000 });
  const plan = planCommit(
    replica.table,
    { op: 'put', path: seen.path, size: 1, sha256: 'next' },
    { actor: ACTOR, lastSeq: 0, now: 1 },
    [seen],
  );
  t.like(plan.pushed[0]?.record, { stamp: 9001, context: { 'b.00000001': 7, [ACTOR]: 1 } });
});

test('a pushed record whose base is unknown here is behind, and nothing of its batch is taken', (t) => {
  const table = new MemoryTable();
  const plan = planMerge(
    table,
    [
      { record: record('b.00000001', 1, { path: '/first' }), base: null },
      { record: record('b.00000001', 2), base: ['c.00000001', 4] },
    ],
    'push',
  );
  t.deepEqual(plan.outcomes, ['behind', 'behind']);
  t.deepEqual(plan.changes, []);
});

test('pushes raise what is known only without a gap', (t) => {
  const table = new MemoryTable();
  const push = (seq: number) =>
    planMerge(table, [{ record: record('b.00000001', seq, { path: `/${seq}` }), base: null }], 'push')
      .knowledge;
  t.deepEqual(push(1), { 'b.00000001': 1 });
  t.deepEqual(push(2), {});
});
