import test from 'ava';
import fc from 'fast-check';
import { merge } from '../../src/replication/merge.ts';
import { compareRecords } from '../../src/replication/order.ts';
import type { Dot, ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import { covers, includes, join } from '../../src/replication/version.ts';
import { record } from './records.ts';

/**
 * Records of one path as members really make them: each write sees the records of some earlier ones (their contexts are
 * in its own), and its stamp is higher than theirs.
 */
const historiesAt = (path: string) =>
  fc
    .array(
      fc.record({
        member: fc.nat(3),
        bases: fc.array(fc.nat(5), { maxLength: 2 }),
        kind: fc.constantFrom('file', 'file', 'directory', 'tombstone'),
        ahead: fc.nat(3),
        content: fc.nat(3),
      }),
      { minLength: 3, maxLength: 6 },
    )
    .map((writes) => {
      const made: ReplicaRecord[] = [];
      const seqs = [0, 0, 0, 0];
      for (const { member, bases, kind, ahead, content } of writes) {
        const seen = bases.map((base) => made[base]).filter((base) => base !== undefined);
        // A member has always seen its own writes.
        const actor = `${'abcd'.charAt(member)}.00000001`;
        seen.push(...made.filter(({ dot }) => dot[0] === actor));
        const seq = (seqs[member] ?? 0) + 1;
        seqs[member] = seq;
        made.push(
          record(actor, seq, {
            path,
            kind,
            content: `content ${content}`,
            stamp: Math.max(0, ...seen.map(({ stamp }) => stamp)) + 1 + ahead,
            seen: seen.reduce<VersionVector>((sum, { context }) => join(sum, context), {}),
          }),
        );
      }
      return made;
    });

const threeAt = (path: string) =>
  historiesAt(path).chain((made) =>
    fc.tuple(fc.constantFrom(...made), fc.constantFrom(...made), fc.constantFrom(...made)),
  );
const threeOf = threeAt('/report.txt');
const threeAccounts = threeAt('/.cloudroid/users/anna');
/** What must be so for files and for accounts. */
const threeOfEither = fc.oneof(threeOf, threeAccounts);

function merged(local: ReplicaRecord | undefined, incoming: ReplicaRecord): ReplicaRecord {
  const decision = merge(local, incoming, {});
  if (decision.kind === 'stale') throw new Error('nothing is known, so nothing is stale');
  return decision.survivor;
}

/** Winner and context: what must be a join. `kept` may have surplus entries. */
function essence({ dot, kind, sha256, context }: ReplicaRecord): object {
  return { dot, kind, sha256, context };
}

test('merging is commutative', (t) => {
  fc.assert(
    fc.property(threeOfEither, ([a, b]) => t.deepEqual(essence(merged(a, b)), essence(merged(b, a))) || true),
  );
});

test('merging is associative', (t) => {
  fc.assert(
    fc.property(threeOfEither, ([a, b, c]) => {
      t.deepEqual(essence(merged(merged(a, b), c)), essence(merged(a, merged(b, c))));
    }),
  );
});

test('merging is idempotent', (t) => {
  fc.assert(
    fc.property(threeOfEither, ([a, b]) => {
      const once = merged(a, b);
      t.is(merged(once, a), once);
      t.is(merged(once, b), once);
      t.is(merged(once, once), once);
    }),
  );
});

test('merging extends causality: a write that saw another wins over it, and nothing seen is unseen', (t) => {
  fc.assert(
    fc.property(threeOfEither, ([a, b]) => {
      const survivor = merged(a, b);
      if (covers(a.context, b.dot)) t.deepEqual(survivor.dot, a.dot);
      else if (covers(b.context, a.dot)) t.deepEqual(survivor.dot, b.dot);
      t.true(includes(survivor.context, a.context) && includes(survivor.context, b.context));
    }),
  );
});

test('a file that loses to a write that did not see it always leaves a copy', (t) => {
  fc.assert(
    fc.property(threeOf, ([a, b]) => {
      const concurrent = !covers(a.context, b.dot) && !covers(b.context, a.dot);
      if (!concurrent || (a.kind === b.kind && a.sha256 === b.sha256)) return;
      const decision = merge(a, b, {});
      if (decision.kind === 'stale') throw new Error('nothing is known');
      const isWinner = (dot: Dot) =>
        dot[0] === decision.survivor.dot[0] && dot[1] === decision.survivor.dot[1];
      const loser = isWinner(a.dot) ? b : a;
      t.is(decision.copy?.sha256, loser.kind === 'file' ? loser.sha256 : undefined);
    }),
  );
});

test('an account that loses leaves neither a copy nor a trace of one, whoever met whom', (t) => {
  fc.assert(
    fc.property(threeAccounts, ([a, b, c]) => {
      for (const decision of [merge(a, b, {}), merge(merged(a, b), c, {}), merge(c, merged(a, b), {})]) {
        if (decision.kind === 'stale') throw new Error('nothing is known');
        t.is(decision.copy, undefined);
        t.deepEqual(decision.survivor.kept, []);
      }
    }),
  );
});

test('of accounts that met in any order the one highest in the order of winners stands', (t) => {
  fc.assert(
    fc.property(threeAccounts, ([a, b, c]) => {
      const highest = [a, b, c].reduce((best, each) => (compareRecords(each, best) > 0 ? each : best));
      for (const order of [
        [a, b, c],
        [c, a, b],
        [b, c, a],
      ] as const)
        t.deepEqual(merged(merged(order[0], order[1]), order[2]).dot, highest.dot);
    }),
  );
});
