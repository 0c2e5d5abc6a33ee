import test from 'ava';
import { conflictCopy, merge } from '../../src/replication/merge.ts';
import { record } from './records.ts';

const A = 'a.00000001';
const B = 'b.00000001';
const C = 'c.00000001';

test('a record is taken where there is none', (t) => {
  const incoming = record(A, 1);
  t.deepEqual(merge(undefined, incoming, {}), { kind: 'applied', survivor: incoming });
});

test('a record that was deleted and forgotten here does not come back', (t) => {
  t.is(merge(undefined, record(A, 1), { [A]: 1 }).kind, 'stale');
});

test('a conflict copy is never measured by what is known: it belongs to no actor', (t) => {
  const copy = conflictCopy(record(A, 1));
  t.is(merge(undefined, copy, { [A]: 5, [`*${A}`]: 5 }).kind, 'applied');
});

test('a write that saw the record here replaces it without a copy', (t) => {
  const incoming = record(B, 1, { seen: { [A]: 1 } });
  t.deepEqual(merge(record(A, 1), incoming, {}), { kind: 'applied', survivor: incoming });
});

test('a record that is older than the one here changes nothing but what is known', (t) => {
  const local = record(B, 1, { seen: { [A]: 1 } });
  const decision = merge(local, record(A, 1, { seen: { [C]: 4 } }), {});
  t.like(decision, { kind: 'superseded', survivor: { dot: [B, 1], context: { [A]: 1, [B]: 1, [C]: 4 } } });
});

test('two writes that did not know of each other: the later keeps the name, the other becomes a copy, in both directions', (t) => {
  const early = record(A, 1, { stamp: 10 });
  const late = record(B, 1, { stamp: 20 });
  for (const decision of [merge(early, late, {}), merge(late, early, {})]) {
    t.is(decision.kind, 'conflict');
    t.like(decision, { survivor: { dot: [B, 1], kept: [[A, 1]], context: { [A]: 1, [B]: 1 } } });
    t.deepEqual('copy' in decision ? decision.copy : undefined, conflictCopy(early));
  }
});

test('two writes of the same bytes make no copy', (t) => {
  const decision = merge(record(A, 1, { content: 'x' }), record(B, 1, { content: 'x' }), {});
  t.false('copy' in decision && decision.copy !== undefined);
});

test('a write beats a deletion of its own base that it did not know of', (t) => {
  const base = record(A, 1, { stamp: 100 });
  const deletion = record(B, 1, { kind: 'tombstone', stamp: 101, seen: { [A]: 1 } });
  const write = record(C, 1, { stamp: 101, seen: { [A]: 1 } });
  t.deepEqual(base.dot, [A, 1]);
  t.like(merge(deletion, write, {}), { survivor: { dot: [C, 1], kind: 'file' } });
  t.like(merge(write, deletion, {}), { survivor: { dot: [C, 1], kind: 'file' } });
});

test('a losing deletion or directory leaves no copy behind', (t) => {
  for (const kind of ['tombstone', 'directory'] as const) {
    const decision = merge(record(A, 1, { kind, stamp: 1 }), record(B, 1, { stamp: 9 }), {});
    t.like(decision, { kind: 'conflict', survivor: { kept: [] } });
    t.false('copy' in decision && decision.copy !== undefined);
  }
});

test('a member that meets only the winner of a conflict elsewhere still makes the copy of the loser it holds', (t) => {
  const loser = record(A, 1, { stamp: 1 });
  const winner = record(B, 1, { stamp: 2, seen: { [A]: 1 }, kept: [[A, 1]] });
  t.deepEqual(merge(loser, winner, {}), { kind: 'applied', survivor: winner, copy: conflictCopy(loser) });
});

test('a later write inherits what its base kept, so that the copy is made even when the winner was never seen', (t) => {
  const loser = record(A, 1, { stamp: 1 });
  const heir = record(C, 1, { stamp: 3, seen: { [A]: 1, [B]: 1 }, kept: [[A, 1]] });
  t.deepEqual(merge(loser, heir, {}), { kind: 'applied', survivor: heir, copy: conflictCopy(loser) });
});

test('a loser that arrives after the winner becomes a copy', (t) => {
  const winner = record(B, 1, { stamp: 2, seen: { [A]: 1 }, kept: [[A, 1]] });
  const decision = merge(winner, record(A, 1, { stamp: 1 }), {});
  t.like(decision, { kind: 'superseded', survivor: { dot: [B, 1] }, copy: { sha256: `${A}1` } });
});

test('one dot with two contents (a cloned board) keeps both, the same way on every member', (t) => {
  const one = record(A, 1, { content: 'one' });
  const other = record(A, 1, { content: 'other' });
  const there = merge(one, other, {});
  const here = merge(other, one, {});
  t.is(there.kind, 'conflict');
  t.deepEqual(there, here);
});

test('a record within what is known that the local one never saw was replaced before: it changes nothing', (t) => {
  const local = record(B, 1);
  t.like(merge(local, record(A, 3), { [A]: 3 }), { kind: 'superseded', survivor: { dot: [B, 1] } });
});

test('an account makes no copy of what it is told to have kept, either', (t) => {
  const path = '/.cloudroid/users/anna';
  const loser = record(A, 1, { path });
  // No member makes such a record; what came over a wire may be anything.
  const winner = record(B, 1, { path, seen: { [A]: 1 }, kept: [[A, 1]] });
  for (const decision of [merge(loser, winner, {}), merge(winner, loser, {})])
    t.is('copy' in decision ? decision.copy : undefined, undefined);
});
