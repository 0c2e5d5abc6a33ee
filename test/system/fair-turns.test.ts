import test from 'ava';
import { FairTurns, type Turn, type TurnLimits } from '../../src/system/fair-turns.ts';

/** Everybody who asks, in the order in which they are answered: `name` for a turn, `no name` without one. */
function scene(limits: TurnLimits) {
  const turns = new FairTurns(limits);
  const answers: string[] = [];
  const held = new Map<string, Turn>();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  const take = async (from: string, name: string, signal?: AbortSignal): Promise<void> => {
    const giveBack = await turns.take(from, signal);
    answers.push(giveBack === null ? `no ${name}` : name);
    if (giveBack !== null) held.set(name, giveBack);
  };
  const ask = async (from: string, ...names: readonly string[]): Promise<void> => {
    for (const name of names) {
      void take(from, name);
      await settle();
    }
  };
  /** By those who have had theirs longest. */
  const giveBack = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      const [name = '', turn] = [...held][0] ?? [];
      held.delete(name);
      turn?.();
      await settle();
    }
  };
  return { turns, answers, held, ask, take, giveBack, settle };
}

test('so many at a time, the others one after the other as they came', async (t) => {
  const { answers, ask, giveBack } = scene({ most: 2, mostWaiting: 10 });
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
  const { answers, ask, giveBack } = scene({ most: 1, mostWaiting: 100 });
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
  const { answers, ask, giveBack } = scene({ most: 1, mostWaiting: 4 });
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
  const { answers, ask, giveBack } = scene({ most: 1, mostWaiting: 100 });
  for (let count = 0; count < 50; count += 1) await ask('busy', `old${count}`);
  await giveBack(50);
  answers.length = 0;
  await ask('busy', 'b0');
  await ask('new', 'n1', 'n2', 'n3');
  await ask('busy', 'b1', 'b2', 'b3');
  await giveBack(6);
  t.deepEqual(answers, ['b0', 'n1', 'b1', 'n2', 'b2', 'n3', 'b3']);
});

test('one place has no more than its share at a time, also when nobody else is there', async (t) => {
  const { answers, ask, giveBack } = scene({ most: 4, mostEach: 2, mostWaiting: 100 });
  await ask('a', 'a0', 'a1', 'a2', 'a3');
  t.deepEqual(answers, ['a0', 'a1']);
  await ask('b', 'b0', 'b1', 'b2');
  await ask('c', 'c0');
  t.deepEqual(answers, ['a0', 'a1', 'b0', 'b1']);
  await giveBack(2);
  t.deepEqual(answers.slice(4), ['a2', 'c0'], 'by rank');
  await giveBack(2);
  t.deepEqual(answers.slice(6), ['b2', 'a3']);
  await giveBack(4);
  await ask('d', 'd0', 'd1', 'd2');
  t.deepEqual(answers.slice(8), ['d0', 'd1']);
});

test('a signal takes a turn back, or ends the wait for one; given back twice is given back once', async (t) => {
  const { turns, answers, ask, take, held, settle } = scene({ most: 1, mostWaiting: 100 });
  const [having, waiting] = [new AbortController(), new AbortController()];
  await take('a', 'a0', having.signal);
  const gaveUp = take('b', 'b0', waiting.signal);
  await ask('c', 'c0');
  waiting.abort(new Error('ABOR'));
  await t.throwsAsync(gaveUp, { message: 'ABOR' });
  having.abort();
  await settle();
  t.deepEqual(answers, ['a0', 'c0']);
  held.get('a0')?.();
  await ask('d', 'd0');
  t.deepEqual(answers, ['a0', 'c0'], 'c has its turn still');
  held.get('c0')?.();
  held.get('c0')?.();
  await ask('e', 'e0');
  t.deepEqual(answers, ['a0', 'c0', 'd0']);
  await t.throwsAsync(turns.take('f', AbortSignal.abort(new Error('too late'))), { message: 'too late' });
  held.get('d0')?.();
  await settle();
  t.deepEqual(answers, ['a0', 'c0', 'd0', 'e0']);
});
