/** A short slice of the fuzzer; longer: `npm run fuzz -- --seed N --seconds S`. */
import test from 'ava';
import { planOf } from '../../scripts/fuzz/plan.ts';
import { fuzz } from '../../scripts/fuzz/run.ts';

test('nonsense under a seed, for some seconds: the members serve, hold nothing back, are the same and keep what is theirs', async (t) => {
  t.timeout(180_000);
  const { wrong, sessions, lines } = await fuzz({
    seed: 4,
    seconds: 10,
    sessions: 400,
    say: (line) => t.log(line),
  });
  t.deepEqual(wrong, []);
  t.log(`${sessions} sessions, ${lines} lines`);
  t.true(lines > 500);
});

test('a session of a seed is the same each time', (t) => {
  for (let index = -5; index < 50; index += 1) {
    const [one, two] = [planOf(7, index), planOf(7, index)];
    t.deepEqual(one, two);
    t.notDeepEqual(one.steps, planOf(8, index).steps);
  }
});
