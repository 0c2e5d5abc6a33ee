import test from 'ava';
import type { Operation } from '../../src/replication/operation.ts';
import { planCommit } from '../../src/replication/plan-commit.ts';
import { planForgotten } from '../../src/replication/plan-forgotten.ts';
import { planMerge } from '../../src/replication/plan-merge.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { MemoryTable } from '../simulation/memory-table.ts';

function write(table: MemoryTable, actor: string, lastSeq: number, operation: Operation): ReplicaRecord[] {
  const plan = planCommit(table, operation, { actor, lastSeq, now: 1000 });
  table.apply(plan);
  return plan.pushed.map(({ record }) => record);
}

const put = (path: string, sha256: string): Operation => ({ op: 'put', path, size: 1, sha256 });

test('each record that was forgotten elsewhere gets a tombstone of this member, in one plan', (t) => {
  const table = new MemoryTable();
  const [x] = write(table, 'a.1', 0, put('/x', 'x'));
  const [d] = write(table, 'a.1', 1, { op: 'mkdir', path: '/d' });
  if (x === undefined || d === undefined) return t.fail();
  const { pushed, knowledge, needs } = planForgotten(table, [x, d], { actor: 'b.1', lastSeq: 4, now: 5000 });
  t.deepEqual(knowledge, { 'b.1': 6 });
  t.deepEqual(needs, []);
  t.deepEqual(
    pushed.map(({ record: { path, kind, dot, stamp, context }, base }) => ({
      path,
      kind,
      dot,
      stamp,
      context,
      base,
    })),
    [
      // The stamp never asks the clock; the context begins with all that this replica knows.
      {
        path: '/x',
        kind: 'tombstone',
        dot: ['b.1', 5],
        stamp: 1001,
        context: { 'a.1': 2, 'b.1': 5 },
        base: x.dot,
      },
      {
        path: '/d',
        kind: 'tombstone',
        dot: ['b.1', 6],
        stamp: 1001,
        context: { 'a.1': 2, 'b.1': 6 },
        base: d.dot,
      },
    ],
  );
});

test('what was written since it was judged stays, and so does what is gone anyway', (t) => {
  const table = new MemoryTable();
  const [old] = write(table, 'a.1', 0, put('/x', 'old'));
  const [gone] = write(table, 'a.1', 1, put('/y', 'gone'));
  if (old === undefined || gone === undefined) return t.fail();
  write(table, 'a.1', 2, put('/x', 'new'));
  write(table, 'a.1', 3, { op: 'delete', path: '/y' });
  t.deepEqual(planForgotten(table, [old, gone], { actor: 'b.1', lastSeq: 0, now: 1 }).changes, []);
});

test('a folder that was forgotten stays in sight as long as something new is in it', (t) => {
  const table = new MemoryTable();
  const [d] = write(table, 'a.1', 0, { op: 'mkdir', path: '/d' });
  write(table, 'a.1', 1, put('/d/x', 'new'));
  if (d === undefined) return t.fail();
  table.apply(planForgotten(table, [d], { actor: 'b.1', lastSeq: 0, now: 1 }));
  t.is(table.get('/d')?.kind, 'tombstone');
  t.is(table.get('/d/x')?.kind, 'file');
});

test('a write on the same base that nobody had heard of keeps the name', (t) => {
  const [here, there] = [new MemoryTable(), new MemoryTable()];
  const [base] = write(here, 'a.1', 0, put('/x', 'base'));
  if (base === undefined) return t.fail();
  there.apply(planMerge(there, [{ record: base, base: null }], 'push'));
  const [next] = write(there, 'c.1', 0, put('/x', 'next'));
  if (next === undefined) return t.fail();
  here.apply(planForgotten(here, [base], { actor: 'b.1', lastSeq: 0, now: 9_000_000 }));
  here.apply(planMerge(here, [{ record: next, base: base.dot }], 'push'));
  t.is(here.get('/x')?.sha256, 'next');
});

test('a later version on another old disk does not come back through a deletion of an earlier one', (t) => {
  const [forgetful, old, older] = [new MemoryTable(), new MemoryTable(), new MemoryTable()];
  const [first] = write(older, 'a.1', 0, put('/x', 'first'));
  if (first === undefined) return t.fail();
  old.apply(planMerge(old, [{ record: first, base: null }], 'push'));
  const [second] = write(old, 'a.1', 1, put('/x', 'second'));
  if (second === undefined) return t.fail();
  // Everybody else saw the deletion of the second version and has forgotten it; whoever pulls from them knows that much.
  for (const table of [forgetful, older]) table.learn({ 'a.1': 3 });
  for (const table of [forgetful, older]) table.collectedStamp = second.stamp + 1;
  const { pushed } = planForgotten(older, [first], { actor: 'b.1', lastSeq: 0, now: 0 });
  forgetful.apply(planMerge(forgetful, pushed, 'push'));
  old.apply(planMerge(old, pushed, 'complete'));
  t.is(old.get('/x')?.kind, 'tombstone');
  forgetful.apply(planMerge(forgetful, [{ record: second, base: null }], 'complete'));
  t.is(forgetful.get('/x')?.kind, 'tombstone');
  t.true((pushed[0]?.record.stamp ?? 0) > second.stamp + 1);
});
