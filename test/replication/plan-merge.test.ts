import test from 'ava';
import { conflictPath } from '../../src/replication/conflict-name.ts';
import { conflictCopy } from '../../src/replication/merge.ts';
import type { PushedRecord } from '../../src/replication/operation.ts';
import { planCommit } from '../../src/replication/plan-commit.ts';
import { type MergeMode, planMerge } from '../../src/replication/plan-merge.ts';
import type { ReplicaRecord } from '../../src/replication/record.ts';
import { isLive, shownAt } from '../../src/replication/tree-view.ts';
import { MemoryTable } from '../simulation/memory-table.ts';
import { record } from './records.ts';

const A = 'a.00000001';
const B = 'b.00000001';
const C = 'c.00000001';

function pushed(...records: readonly ReplicaRecord[]): PushedRecord[] {
  return records.map((each) => ({ record: each, base: null }));
}

function tableOf(...records: readonly ReplicaRecord[]): MemoryTable {
  const table = new MemoryTable();
  table.apply(planMerge(table, pushed(...records), 'complete', { knowledge: {} }));
  return table;
}

function contents(table: MemoryTable): string[] {
  return table
    .all()
    .filter(isLive)
    .map(({ sha256 }) => sha256)
    .sort();
}

test('a file that somebody stored under the name of a conflict copy is not lost to the copy, nor the copy to it', (t) => {
  const loser = record(A, 1, { stamp: 10, content: 'loser' });
  const winner = record(B, 1, { stamp: 20, content: 'winner' });
  for (const stamp of [1, 99]) {
    const intruder = record(C, 1, { path: conflictPath(loser), stamp, content: 'intruder' });
    for (const order of [
      [loser, intruder, winner],
      [winner, loser, intruder],
      [intruder, winner, loser],
    ]) {
      t.deepEqual(contents(tableOf(...order)), ['intruder', 'loser', 'winner']);
    }
  }
});

test('records of one batch that meet at one path are merged one after the other', (t) => {
  const table = new MemoryTable();
  const first = record(A, 1, { stamp: 10 });
  const second = record(A, 2, { stamp: 11, seen: { [A]: 1 } });
  const plan = planMerge(table, pushed(first, second, conflictCopy(first)), 'complete', {
    knowledge: { [A]: 2 },
  });
  t.deepEqual(plan.outcomes, ['applied', 'applied', 'applied']);
  t.deepEqual(
    plan.changes.map(({ before, after }) => [before, after.path]),
    [
      [undefined, first.path],
      [undefined, conflictPath(first)],
    ],
  );
  t.deepEqual(plan.knowledge, { [A]: 2 });
  t.deepEqual([...plan.needs].sort(), [first.sha256, second.sha256].sort());
});

test('one dot with two contents keeps both and says so', (t) => {
  const table = tableOf(record(A, 1, { content: 'one' }));
  const plan = planMerge(table, pushed(record(A, 1, { content: 'other' })), 'push');
  t.regex(plan.alarms.join(), /write 1 of a\.00000001 has two contents at \/report\.txt/);
  table.apply(plan);
  t.deepEqual(contents(table), ['one', 'other']);
  t.deepEqual(planMerge(table, pushed(record(B, 1, { path: '/else' })), 'push').alarms, []);
});

test('while a pull is under way only what adds is taken, and that teaches nothing', (t) => {
  const here = record(A, 1, { path: '/here', stamp: 10 });
  const table = tableOf(here, record(B, 1, { path: '/gone', kind: 'tombstone' }));
  const partial = (incoming: ReplicaRecord) => planMerge(table, pushed(incoming), 'partial');
  const outcome = (incoming: ReplicaRecord) => partial(incoming).outcomes[0];
  const seen = { [A]: 1 };
  t.is(outcome(record(C, 1, { path: '/new' })), 'applied');
  t.is(outcome(record(C, 1, { path: '/gone', seen: { [B]: 1 } })), 'applied', 'in place of a deleted one');
  t.is(outcome(here), 'known');
  t.deepEqual(partial(record(C, 1, { path: '/new' })).knowledge, {});
  const waiting: readonly [string, ReplicaRecord][] = [
    ['replaces', record(C, 1, { path: '/here', seen })],
    ['deletes', record(C, 1, { path: '/here', kind: 'tombstone', seen })],
    ['conflicts', record(C, 1, { path: '/here' })],
    ['is a deletion of something unknown', record(C, 1, { path: '/new', kind: 'tombstone' })],
    ['widens a context', { ...here, context: { ...here.context, [B]: 7 } }],
    ['names a loser', record(C, 1, { path: '/new', kept: [[B, 7]], seen: { [B]: 7 } })],
    ['takes the name of a file that is here', record(C, 1, { path: '/here/below' })],
  ];
  for (const [why, incoming] of waiting) {
    t.is(outcome(incoming), 'deferred', why);
    t.deepEqual(partial(incoming).changes, [], why);
  }
});

test('a push on a base of its own batch is not behind', (t) => {
  const first = record(A, 1, { stamp: 10 });
  const second = record(A, 2, { stamp: 11, seen: { [A]: 1 } });
  const batch: readonly PushedRecord[] = [
    { record: first, base: null },
    { record: second, base: first.dot },
  ];
  t.deepEqual(planMerge(new MemoryTable(), batch, 'push').outcomes, ['applied', 'applied']);
  t.deepEqual(planMerge(new MemoryTable(), batch.slice(1), 'push').outcomes, ['behind']);
});

test('every mode gives one outcome a record, and a merge done twice changes nothing more', (t) => {
  const records = [
    record(A, 1, { stamp: 1 }),
    record(B, 1, { stamp: 2 }),
    record(C, 1, { path: '/report.txt/below' }),
    record(C, 2, { kind: 'tombstone', path: '/none' }),
  ];
  for (const mode of ['push', 'complete'] satisfies MergeMode[]) {
    const table = new MemoryTable();
    const plan = planMerge(table, pushed(...records), mode, { knowledge: {} });
    t.is(plan.outcomes.length, records.length);
    table.apply(plan);
    t.deepEqual(planMerge(table, pushed(...records), mode, { knowledge: {} }).changes, []);
  }
});

test('what a fail-over brings decides what is shown: a file that it shadows is met under its conflict name', (t) => {
  const file = record(A, 1, { path: '/a', content: 'file' });
  const table = tableOf(file);
  const below = record(B, 1, { path: '/a/b' });
  const operation = { op: 'delete', path: conflictPath(file) } as const;
  const plan = planCommit(table, operation, { actor: C, lastSeq: 0, now: 5 }, [below]);
  table.apply(plan);
  t.is(table.get('/a')?.kind, 'tombstone');
  t.like(shownAt(table, '/a'), { kind: 'directory' });
});

test('a file deleted under its shown conflict name does not come back as the conflict copy that another member made of it', (t) => {
  const file = record(A, 1, { path: '/a', stamp: 10, content: 'file' });
  const below = record(B, 1, { path: '/a/b' });
  const rival = record(B, 2, { path: '/a', stamp: 20, content: 'rival' });
  const shown = conflictPath(file);
  const here = tableOf(file, below);
  const there = tableOf(file, below, rival);
  t.is(there.get(shown)?.sha256, 'file');
  const plan = planCommit(here, { op: 'delete', path: shown }, { actor: C, lastSeq: 0, now: 5 });
  here.apply(plan);
  const copy = there.all();
  there.apply(planMerge(there, plan.pushed, 'push'));
  here.apply(planMerge(here, pushed(...copy), 'complete', { knowledge: there.knowledge }));
  for (const table of [here, there]) t.is(shownAt(table, shown).kind, 'nothing');
});

test('a file stored under a shown conflict name keeps it against the conflict copy of the file it replaced', (t) => {
  const file = record(A, 1, { path: '/a', stamp: 10_000, content: 'file' });
  const here = tableOf(file, record(B, 1, { path: '/a/b' }));
  const shown = conflictPath(file);
  const put = { op: 'put', path: shown, size: 1, sha256: 'mine' } as const;
  const plan = planCommit(here, put, { actor: C, lastSeq: 0, now: 5 });
  const there = tableOf(file, record(B, 2, { path: '/a', stamp: 20_000, content: 'rival' }));
  t.is(there.get(shown)?.sha256, 'file');
  there.apply(planMerge(there, plan.pushed, 'push'));
  t.deepEqual(contents(there), ['mine', 'rival']);
  t.is(there.get(shown)?.sha256, 'mine');
});

test('a write and a deletion inherit what their base kept', (t) => {
  const settled = record(B, 1, { stamp: 20, seen: { [A]: 1 }, kept: [[A, 1]] });
  const operations = [
    { op: 'put', path: settled.path, size: 1, sha256: 'next' },
    { op: 'delete', path: settled.path },
  ] as const;
  for (const operation of operations) {
    const plan = planCommit(tableOf(settled), operation, { actor: C, lastSeq: 0, now: 5 });
    t.deepEqual(plan.pushed[0]?.record.kept, [[A, 1]]);
  }
});
