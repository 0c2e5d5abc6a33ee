import test from 'ava';
import fc from 'fast-check';
import { conflictPath } from '../../src/replication/conflict-name.ts';
import { conflictCopy } from '../../src/replication/merge.ts';
import type { PushedRecord } from '../../src/replication/operation.ts';
import { MemoryTable } from './memory-table.ts';
import { tellShortest } from './models.ts';
import { type PlantedMistake, RULES, type Rules, withMistake } from './rules.ts';
import { runTimed } from './timed/world.ts';

const SEEDS = 1000;

test('members that crash, restart, go back to backups, lose catalogs and die, over wires that lose and repeat, keep what they acknowledged', (t) => {
  let operations = 0;
  let conflicts = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const run = runTimed(seed);
    operations += run.operations;
    conflicts += run.conflicts;
    if (run.broken.length > 0) t.fail(tellShortest('timed', seed, RULES));
  }
  // A schedule in which nothing happens proves nothing.
  t.true(operations > 10 * SEEDS);
  t.true(conflicts > SEEDS / 4);
});

test('nor does any other schedule lose a write or bring one back', (t) => {
  // Other seeds each time: a failure names its seed, `npm run simulate -- --seed` tells its story.
  fc.assert(
    fc.property(fc.integer({ min: 1_000_000, max: 2_000_000_000 }), (seed) => {
      t.deepEqual(runTimed(seed).broken, [], `seed ${seed}`);
    }),
    { numRuns: 300 },
  );
});

test('a seed tells one story', (t) => {
  t.deepEqual(runTimed(11), runTimed(11));
});

const mistakes: readonly PlantedMistake[] = [
  'last writer wins',
  'knowledge after one push',
  'delete beats write',
  'cursor before the end',
  'an incarnation used twice',
  'answer before flush',
  'early collection',
  'collection without contexts',
  'rule 6 without standstill',
  'trees without tombstones',
];
for (const mistake of mistakes) {
  test(`a planted mistake is noticed: ${mistake}`, (t) => {
    const rules = withMistake(mistake);
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      if (runTimed(seed, rules).broken.length > 0) {
        t.pass();
        return;
      }
    }
    t.fail(`${SEEDS} seeds did not notice`);
  });
}

/** `a` settles a conflict, then dies; `c` holds the loser and meets the winner only as what a proxy saw. */
function loserAfterFailOver(rules: Rules): string | undefined {
  const put = (table: MemoryTable, actor: string, now: number, content: string): PushedRecord[] => {
    const operation = { op: 'put', path: '/f', size: 1, sha256: content } as const;
    const plan = rules.planCommit(table, operation, { actor, lastSeq: 0, now });
    table.apply(plan);
    return [...plan.pushed];
  };
  const [a, b, c] = [new MemoryTable(), new MemoryTable(), new MemoryTable()];
  const loser = put(c, 'c.1', 10, 'loser');
  a.apply(rules.planMerge(a, loser, 'push'));
  a.apply(rules.planMerge(a, put(b, 'b.1', 20, 'winner'), 'push'));
  const settled = a.get('/f');
  if (settled === undefined || loser[0] === undefined) return undefined;
  const next = { op: 'put', path: '/f', size: 1, sha256: 'next' } as const;
  c.apply(rules.planCommit(c, next, { actor: 'c.1', lastSeq: 1, now: 30 }, [settled]));
  return c.get(conflictPath(loser[0].record))?.sha256;
}

test('the loser of a conflict settled elsewhere is copied where a fail-over brings only the winner', (t) => {
  t.is(loserAfterFailOver(RULES), 'loser');
  t.is(loserAfterFailOver(withMistake('no kept')), undefined);
});

test('the copy of a copy has a name of its own, however long the names are', (t) => {
  let record = conflictCopy({
    path: `/${'x'.repeat(250)}.txt`,
    kind: 'file',
    size: 1,
    sha256: 'content',
    mtime: 1,
    dot: ['a.1', 1],
    stamp: 5,
    context: { 'a.1': 1 },
    kept: [],
  });
  const names = new Set([record.path]);
  for (let depth = 0; depth < 5; depth += 1) {
    record = conflictCopy(record);
    t.is(Buffer.byteLength(record.path), 1 + 255);
    names.add(record.path);
  }
  t.is(names.size, 6);
});
