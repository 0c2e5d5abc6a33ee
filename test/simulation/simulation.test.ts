import test from 'ava';
import type { Operation } from '../../src/replication/operation.ts';
import { tellShortest } from './models.ts';
import { runNetwork } from './network.ts';
import { MISTAKES, type PlantedMistake, RULES, withMistake } from './rules.ts';
import { type Cut, shrink } from './shrink.ts';
import { SimMember } from './sim-member.ts';

const SEEDS = 2000;

test('whole networks lose nothing, bring nothing back and end identical, whatever happens to members and wires', (t) => {
  for (let seed = 1; seed <= SEEDS; seed += 1)
    if (runNetwork(seed).broken.length > 0) t.fail(tellShortest('steps', seed, RULES));
  t.pass();
});

test('the same seed tells the same story', (t) => {
  t.deepEqual(runNetwork(7).story, runNetwork(7).story);
});

const mistakes: readonly PlantedMistake[] = [
  'last writer wins',
  'knowledge after one push',
  'delete beats write',
  'cursor before the end',
  'early collection',
  'a rebuilt catalog ignores files',
];
for (const mistake of mistakes) {
  test(`a planted mistake is found: ${mistake}`, (t) => {
    const rules = withMistake(mistake);
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      if (runNetwork(seed, rules).broken.length > 0) {
        t.pass();
        return;
      }
    }
    t.fail(`${SEEDS} seeds did not notice`);
  });
}

test('every planted mistake changes a rule', (t) => {
  for (const mistake of MISTAKES) t.notDeepEqual(withMistake(mistake), RULES, mistake);
});

/** `b` goes back to a backup in which files live that everybody has deleted and forgotten since. */
function afterBackup(files: number): { a: SimMember; b: SimMember } {
  const [a, b] = [new SimMember('a', 1000, RULES), new SimMember('b', 1000, RULES)];
  const paths = Array.from({ length: files }, (_, index) => `/${index}`);
  const all = (operation: (path: string) => Operation) => {
    for (const path of paths) a.commit(operation(path), []);
    b.pull(a, 'end');
    a.pull(b, 'end');
  };
  all((path) => ({ op: 'put', path, size: 1, sha256: `content of ${path}` }));
  b.saveBackup();
  all((path) => ({ op: 'delete', path }));
  for (const member of [a, b]) member.collect([a.table.knowledge, b.table.knowledge], 0);
  b.restoreBackup();
  b.pull(a, 'end');
  return { a, b };
}

test('what a disk from a backup has and everybody else deleted and forgot is ended there', (t) => {
  const { a, b } = afterBackup(20);
  t.is(a.table.all().length, 0);
  t.is(b.endForgotten(b.compare(a))?.pushed.length, 20);
  t.deepEqual(
    b.table.all().filter(({ kind }) => kind !== 'tombstone'),
    [],
  );
});

test('but not so much of it that something else must be wrong', (t) => {
  const { a, b } = afterBackup(21);
  const judged = b.compare(a);
  t.is(judged.length, 21);
  t.is(b.endForgotten(judged), undefined);
  t.is(b.table.all().filter(({ kind }) => kind === 'file').length, 21);
});

test('a failing run is cut down to the parts that it takes', (t) => {
  const needed = [7, 23, 24];
  const play = ({ without }: Cut) => {
    const kept = Array.from({ length: 40 }, (_, part) => part).filter((part) => !without.has(part));
    const broken = needed.every((part) => kept.includes(part)) ? ['lost a file'] : [];
    // Another mistake is another story.
    return {
      parts: 40,
      story: kept.map(String),
      broken: kept.length < 10 && broken.length === 0 ? ['came back'] : broken,
    };
  };
  t.deepEqual(shrink(play).story, needed.map(String));
});

test('a mistake is told in a few lines that name the file', (t) => {
  const rules = withMistake('early collection');
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { broken } = runNetwork(seed, rules);
    if (broken.length === 0) continue;
    const told = tellShortest('steps', seed, rules).split('\n');
    t.true(told.length < 30, told.join('\n'));
    t.true(told.some((line) => line.includes('collects /')));
    t.regex(told.at(-1) ?? '', /BROKEN: .* \//);
    return;
  }
  t.fail('no seed to tell of');
});
