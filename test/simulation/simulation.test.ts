import test from 'ava';
import { runNetwork } from './network.ts';
import { type PlantedMistake, withMistake } from './rules.ts';

const SEEDS = 2000;

test('whole networks lose nothing, bring nothing back and end identical, whatever happens to members and wires', (t) => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { broken, story } = runNetwork(seed);
    if (broken.length > 0) t.fail(`seed ${seed}: ${broken.join('; ')}\n${story.join('\n')}`);
  }
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
