import test from 'ava';
import { FairTurns } from '../../src/accounts/fair-turns.ts';

/** Everybody who asks, in the order in which they are answered: `name` for a turn, `no name` without one. */
function counter(turns: FairTurns) {
  const answers: string[] = [];
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  const ask = async (from: string, ...names: readonly string[]): Promise<void> => {
    for (const name of names) {
      void turns.take(from).then((turn) => answers.push(turn ? name : `no ${name}`));
      await settle();
    }
  };
  const giveBack = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      turns.giveBack();
      await settle();
    }
  };
  return { answers, ask, giveBack };
}

test('so many at a time, the others one after the other as they came', async (t) => {
  const turns = new FairTurns(2, 10);
  const { answers, ask, giveBack } = counter(turns);
  await ask('a', '1', '2', '3', '4');
  t.deepEqual(answers, ['1', '2']);
  await giveBack(1);
  t.deepEqual(answers, ['1', '2', '3']);
  await giveBack(3);
  await ask('a', '5');
  await ask('a', '6');
  await ask('a', '7');
  t.deepEqual(answers, ['1', '2', '3', '4', '5', '6'], 'nobody waits while there is a turn');
});

test('places take turns, however many ask from each, and a new one waits for no more than one of each', async (t) => {
  const turns = new FairTurns(1, 100);
  const { answers, ask, giveBack } = counter(turns);
  for (let count = 0; count < 6; count += 1) await ask('many', `m${count}`);
  await ask('few', 'f0');
  await ask('few', 'f1');
  await giveBack(3);
  await ask('late', 'l0');
  await ask('late', 'l1');
  await giveBack(7);
  t.deepEqual(answers, ['m0', 'm1', 'f0', 'm2', 'f1', 'm3', 'l0', 'm4', 'l1', 'm5']);
});

test('when too many wait, the last of the place with the most makes way for a place with fewer', async (t) => {
  const turns = new FairTurns(1, 4);
  const { answers, ask, giveBack } = counter(turns);
  await ask('many', 'm0', 'm1', 'm2', 'm3', 'm4', 'm5');
  t.deepEqual(answers, ['m0', 'no m5'], 'not for another of its own');
  await ask('few', 'f0');
  await ask('few', 'f1');
  await ask('few', 'f2');
  t.deepEqual(answers, ['m0', 'no m5', 'no m4', 'no m3', 'no f2'], 'two each is fair');
  await ask('other', 'o0');
  t.is(answers.at(-1), 'no m2');
  await giveBack(5);
  t.deepEqual(answers.slice(6), ['m1', 'f0', 'o0', 'f1']);
  await ask('many', 'again');
  t.is(answers.at(-1), 'again', 'all turns were given back');
});

test('who stays away for a while has no credit, and who asked often before no debt', async (t) => {
  const turns = new FairTurns(1, 100);
  const { answers, ask, giveBack } = counter(turns);
  for (let count = 0; count < 50; count += 1) await ask('busy', `old${count}`);
  await giveBack(50);
  answers.length = 0;
  await ask('busy', 'b0');
  await ask('new', 'n1', 'n2', 'n3');
  await ask('busy', 'b1', 'b2', 'b3');
  await giveBack(6);
  t.deepEqual(answers, ['b0', 'n1', 'b1', 'n2', 'b2', 'n3', 'b3']);
});
